"""What Slack takes. Lengths are in characters; Slack does not say which kind, so anything beyond the BMP is counted
twice.

https://docs.slack.dev/reference/block-kit/blocks and .../block-kit/composition-objects/text-object (read 2026-11)
"""

# https://docs.slack.dev/reference/block-kit/blocks/header-block
HEADER_TEXT = 150
# https://docs.slack.dev/reference/block-kit/blocks/section-block
SECTION_TEXT = 3000
SECTION_FIELDS = 10
FIELD_TEXT = 2000
# https://docs.slack.dev/reference/block-kit/blocks/context-block: ten elements; their text has a text object's limit
CONTEXT_ELEMENTS = 10
# https://docs.slack.dev/reference/block-kit/blocks/image-block
ALT_TEXT = 2000
# https://docs.slack.dev/reference/block-kit/blocks: per message
BLOCKS = 50
# Not documented; near 13,200 over all blocks Slack answers msg_blocks_too_long
# (https://github.com/slackapi/bolt-js/issues/2509).
ALL_BLOCKS_TEXT = 9000
# https://docs.slack.dev/reference/methods/chat.postMessage: recommended 4,000, cut at 40,000; phones show a line or two
FALLBACK_TEXT = 1000
# https://docs.slack.dev/apis/web-api/rate-limits: about one message per second and channel, short bursts apart
SECONDS_BETWEEN_MESSAGES = 1.0


def length(text: str) -> int:
    """The length of `text` as Slack may count it, the longer way: in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)
