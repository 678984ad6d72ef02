"""PagerDuty, Teams, Discord, Opsgenie and a hundred more, through apprise (extra `apprise`)."""
