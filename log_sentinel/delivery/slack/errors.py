"""What Slack's refusals mean for a message.

Codes: https://docs.slack.dev/reference/methods/chat.postMessage#errors and, for webhooks,
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors (read 2026-11).
"""

from __future__ import annotations

from log_sentinel.delivery.undeliverable import Undeliverable

APPS = "https://api.slack.com/apps"
NEW_TOKEN = f"Copy the bot token (xoxb-...) from {APPS}, OAuth & Permissions, into token or token_file"
NEW_SCOPE = f"Add chat:write at {APPS}, OAuth & Permissions, and install the app again"
NEW_WEBHOOK = f"Make a new one at {APPS}, Incoming Webhooks"
ASK_ADMIN = "Ask an administrator of the Slack workspace"
OTHER_CHANNEL = "Let the bot post there, or set another channel"

# Nothing gets through until a person has changed something: what is wrong, and what puts it right.
WHEN_FIXED = {
    "invalid_auth": ("Slack does not know the token", NEW_TOKEN),
    "not_authed": ("Slack saw no token", NEW_TOKEN),
    "token_revoked": ("the token was revoked", f"Install the app again. {NEW_TOKEN}"),
    "token_expired": ("the token has expired", f"{NEW_TOKEN}, and turn token rotation off"),
    "account_inactive": ("the bot or its workspace is deactivated", NEW_TOKEN),
    "not_allowed_token_type": ("this kind of token may not post", NEW_TOKEN),
    "missing_scope": ("the token lacks a scope", NEW_SCOPE),
    "no_permission": ("the token may not do this", NEW_SCOPE),
    "org_login_required": ("the workspace is being moved to an organisation", ASK_ADMIN),
    "ekm_access_denied": ("posting is suspended by an administrator", ASK_ADMIN),
    "team_access_not_granted": ("the app may not use this workspace", ASK_ADMIN),
    "channel_not_found": (
        "Slack has no such channel, or it is private and the bot is not in it",
        "Check channel, and write /invite @your-bot there",
    ),
    "not_in_channel": ("the bot is not in the channel", "Write /invite @your-bot there"),
    "is_archived": ("the channel is archived", "Unarchive it, or set another channel"),
    "restricted_action": ("the workspace does not let the bot post there", ASK_ADMIN),
    "restricted_action_read_only_channel": ("the channel is read-only", OTHER_CHANNEL),
    "restricted_action_thread_only_channel": ("the channel takes replies only", OTHER_CHANNEL),
    "restricted_action_non_threadable_channel": ("the channel takes no threads", OTHER_CHANNEL),
    "messages_tab_disabled": ("the bot takes no direct messages", "Set a channel"),
    # of incoming webhooks, as the text of a 4xx answer
    "no_service": ("the webhook is gone or disabled", NEW_WEBHOOK),
    "no_active_hooks": ("the webhook is disabled", NEW_WEBHOOK),
    "no_team": ("the webhook's workspace is gone", NEW_WEBHOOK),
    "invalid_token": ("the webhook's URL is not right", f"Copy it again from {APPS}, Incoming Webhooks"),
    "team_disabled": ("the webhook's workspace is deactivated", ASK_ADMIN),
    "channel_is_archived": ("the webhook's channel is archived", f"Unarchive it. Or: {NEW_WEBHOOK}"),
    "action_prohibited": ("the workspace does not let the webhook post", ASK_ADMIN),
    "posting_to_general_channel_denied": ("the webhook may not post to #general", NEW_WEBHOOK),
}
# It may pass by itself.
LATER = {
    "ratelimited": "Slack asks for a slower pace",
    "rate_limited": "Slack asks for a slower pace",
    "message_limit_exceeded": "the workspace has reached its limit of messages",
    "internal_error": "Slack had an error of its own",
    "fatal_error": "Slack had an error of its own",
    "rollup_error": "Slack had an error of its own",
    "request_timeout": "Slack gave up reading the request",
    "service_unavailable": "Slack is not available",
}
# Of those, when Slack may have done it all the same.
UNCLEAR = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable", "rollup_error"})
# The message itself is what Slack does not like: the same without blocks may pass.
TOO_RICH = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "invalid_payload",
        "invalid_arguments",
        "metadata_too_large",
        "invalid_metadata_format",
    }
)
# The opening message is not there any more, or may not be changed: what follows stands on its own.
OPENING_GONE = frozenset({"message_not_found", "thread_not_found", "cannot_reply_to_message", "invalid_thread_ts"})
EDIT_REFUSED = OPENING_GONE | {"cant_update_message", "edit_window_closed", "is_inactive", "update_failed"}


def refusal(code: str, after: float | None = None) -> Undeliverable:
    """What `code` means. A code nobody knows is tried again: giving up an alert needs a reason."""
    if code in WHEN_FIXED:
        found, right = WHEN_FIXED[code]
        return Undeliverable("when_fixed", f"{found} ({code}). {right}.", after)
    if code in TOO_RICH:
        return Undeliverable("never", f"Slack does not take the message even as plain text ({code})", after)
    found = LATER.get(code, "Slack refused the message")
    return Undeliverable("later", f"{found} ({code})", after, unclear=code in UNCLEAR)
