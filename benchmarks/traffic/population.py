"""Who sends requests and what for: addresses, clients, routes, programs.

Addresses come from the ranges that RFC 2544 and RFC 3849 keep for tests, so that nobody's real address is called a
scanner.
"""

import random
from typing import NamedTuple

# 198.18.0.0/15
TEST_RANGE_SIZE = 2**17

# Names are taken in turn: the product of both lists is larger than any number of clients the bench asks for.
_FIRMS = (
    "acme",
    "globex",
    "initech",
    "umbrella",
    "hooli",
    "stark",
    "wayne",
    "wonka",
    "tyrell",
    "cyberdyne",
    "soylent",
    "duff",
)
_PURPOSES = (
    "mobile",
    "web",
    "sync",
    "billing",
    "partner",
    "etl",
    "pos",
    "search",
    "mail",
    "crm",
    "ci",
    "report",
    "kiosk",
)

_MOZILLA = "Mozilla/5.0 ({}) {}"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 {}Safari/537.36"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 {}"

AGENTS = (
    _MOZILLA.format("Windows NT 10.0; Win64; x64", _CHROME.format("")),
    _MOZILLA.format("iPhone; CPU iPhone OS 18_6 like Mac OS X", _SAFARI.format("Mobile/15E148 Safari/604.1")),
    _MOZILLA.format("X11; Linux x86_64; rv:143.0", "Gecko/20100101 Firefox/143.0"),
    "okhttp/4.12.0",
    "python-requests/2.32.5",
    _MOZILLA.format("Macintosh; Intel Mac OS X 10_15_7", _SAFARI.format("Safari/605.1.15")),
    "Go-http-client/2.0",
    "axios/1.12.2",
    _MOZILLA.format("Linux; Android 15; Pixel 9", _CHROME.format("Mobile ")),
    "Apache-HttpClient/5.5 (Java/21.0.8)",
)

REFERERS = (
    "-",
    "https://shop.example.com/",
    "https://shop.example.com/catalogue/spring?sort=price&page=3",
    "https://app.example.com/account/orders?state=open&sort=newest",
    "https://app.example.com/dashboard/overview",
)


class Route(NamedTuple):
    """A route of the API: `{}` in `template` takes a number; `weight` is its share of the requests."""

    name: str
    method: str
    template: str
    service: str
    weight: int


ROUTES = (
    Route("product", "GET", "/api/v1/products/{}?locale=en-GB", "catalogue", 24),
    Route("search", "GET", "/api/v1/search?q=item-{}&page=1&size=20", "catalogue", 14),
    Route("order", "GET", "/api/v1/orders/{}", "orders", 14),
    Route("order-items", "GET", "/api/v1/orders/{}/items?expand=price,stock", "orders", 10),
    Route("cart", "PUT", "/api/v1/carts/{}", "orders", 9),
    Route("checkout", "POST", "/api/v2/checkout/{}/confirm", "payments", 6),
    Route("payment", "POST", "/api/v2/payments/{}/capture", "payments", 4),
    Route("customer", "GET", "/api/v1/customers/{}/profile", "accounts", 7),
    Route("token", "POST", "/oauth/token?grant=refresh&session={}", "accounts", 5),
    Route("stock", "GET", "/internal/stock/warehouses/{}", "stock", 3),
    Route("export", "GET", "/api/v1/reports/{}/download", "reports", 2),
    Route("admin-user", "DELETE", "/admin/users/{}", "accounts", 2),
)
ROUTE = {route.name: route for route in ROUTES}


def addresses(count: int, rng: random.Random, ipv6: float = 0.05) -> list[str]:
    """Distinct addresses in canonical text, a share of them IPv6, in no order."""
    return [
        f"2001:db8:{n >> 8:x}::{(n & 255) + 1:x}"
        if rng.random() < ipv6
        else f"198.{18 + (n >> 16)}.{n >> 8 & 255}.{n & 255}"
        for n in rng.sample(range(TEST_RANGE_SIZE), count)
    ]


def clients(count: int) -> list[str]:
    """Names of API consumers: acme-mobile, globex-web and so on, numbered once the names are used up."""
    names = [f"{firm}-{purpose}" for purpose in _PURPOSES for firm in _FIRMS]
    return [names[n % len(names)] + (f"-{n // len(names) + 1}" if n >= len(names) else "") for n in range(count)]


def paths(count: int, rng: random.Random) -> list[tuple[Route, str]]:
    """Targets that are asked for again and again, spread over the routes by their weight."""
    drawn = rng.choices(ROUTES, weights=[route.weight for route in ROUTES], k=count)
    return [(route, route.template.format(number)) for number, route in enumerate(drawn, start=1000)]
