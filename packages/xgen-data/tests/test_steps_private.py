import base64
import json
import random
import string
import sys

import pytest

from xgen_core import Document, MissingExtraError
from xgen_data import Drop
from xgen_data.steps import PersonalData, Secrets
from xgen_data.steps.pii import is_card, is_iban
from xgen_data.steps.secrets import entropy, looks_random

# Keys are put together here, so that no scanner takes this file for a leak.
RANDOM = random.Random(3)
LETTERS = string.ascii_letters + string.digits


def made(count, alphabet=LETTERS):
    return "".join(RANDOM.choices(alphabet, k=count))


def masked(text, **settings):
    (result,) = PersonalData(**settings).apply([Document(id="d", text=text, source="s")])
    return result.text, {k.removeprefix("pii."): v for k, v in result.metadata.items()}


@pytest.mark.parametrize(
    ("text", "expected", "counts"),
    [
        ("write to ann.lee@mail.org.", "write to <EMAIL>.", {"email": 1}),
        ("a+b@x.co.uk, c_d@y-z.io", "<EMAIL>, <EMAIL>", {"email": 2}),
        ("user@example.com @decorator a@b git@host.org:x", None, {}),
        ("image@2x.png and f(x)@y", None, {}),
        ("at 81.2.69.160 now", "at <IP_ADDRESS> now", {"ip": 1}),
        ("10.0.0.1 192.168.1.1 127.0.0.1 0.0.0.0 8.8.8.8", None, {}),
        ("Policy 4.6.2.1, section 3.4.1.3", None, {}),
        ("11.22.33.44:8080", "<IP_ADDRESS>:8080", {"ip": 1}),
        ("999.1.1.1 1.2.3.4.5 v1.22.33.44 1.2.3 x81.2.69.160", None, {}),
        ("[2a00:1450:4001:81b::200e]", "[<IP_ADDRESS>]", {"ip": 1}),
        ("std::vector fe80::1 ::1 12:30:45 2001:db8::1 a::b::c", None, {}),
        ("card 4111 1111 1111 1111!", "card <CARD>!", {"card": 1}),
        ("5555555555554444 3782-822463-10005 378282246310005", "<CARD> <CARD> <CARD>", {"card": 3}),
        ("3782 822463 10005", "<CARD>", {"card": 1}),
        ("4111 1111 1111 1112 9111111111111111 0.4111111111111111", None, {}),
        ("to DE89 3704 0044 0532 0130 00 NOW", "to <IBAN> NOW", {"iban": 1}),
        ("GB29NWBK60161331926819", "<IBAN>", {"iban": 1}),
        ("GB29NWBK60161331926818 DE8937040044053201300 XX89370400440532013000", None, {}),
    ],
)  # fmt: skip
def test_personal_data(text, expected, counts):
    assert masked(text) == (text if expected is None else expected, counts)


def test_counting_only_and_reserved_addresses():
    assert masked("a.b@mail.org", replace=False) == ("a.b@mail.org", {"email": 1})
    assert masked("a@example.com", reserved=True) == ("<EMAIL>", {"email": 1})
    assert masked("a.b@mail.org 81.2.69.160", find=("ip",)) == (
        "a.b@mail.org <IP_ADDRESS>",
        {"ip": 1},
    )
    same = Document(id="d", text="nothing here", source="s")
    assert PersonalData().apply([same])[0] is same


def test_phone_numbers():
    pytest.importorskip("phonenumbers")
    assert masked("call +44 20 7946 0958 or +1 (212) 736-5000.", find=("phone",)) == (
        "call <PHONE> or <PHONE>.",
        {"phone": 2},
    )
    assert masked("call (212) 736-5000", find=("phone",), regions=("US",))[1] == {"phone": 1}
    for text in ("(212) 736-5000", "+1 000 000 0000", "1 + 2345678", "2023-10-11 12:00", "v+1.2.3"):
        assert masked(text, find=("phone",)) == (text, {})
    assert masked("2127365000", find=("phone",), regions=("US",))[1] == {}  # any number may look so


def test_phone_numbers_need_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(MissingExtraError, match=r"xgen-data\[filters\]"):
        masked("+44 20 7946 0958", find=("phone",))


@pytest.mark.parametrize("number", ["4111111111111111", "5555 5555 5555 4444", "30569309025904"])
def test_every_wrong_digit_is_noticed_in_a_card(number):
    assert is_card(number)
    digits = number.replace(" ", "")
    for i in range(2, len(digits)):
        for other in range(1, 10):
            wrong = digits[:i] + str((int(digits[i]) + other) % 10) + digits[i + 1 :]
            assert not is_card(wrong)


def test_every_wrong_character_is_noticed_in_an_iban():
    number = "FR1420041010050500013M02606"
    assert is_iban(number)
    for i in range(2, len(number)):
        for other in "0A7":
            wrong = number[:i] + other + number[i + 1 :]
            assert not is_iban(wrong) or wrong == number


def found(text, **settings):
    (result,) = Secrets(**settings).apply([Document(id="d", text=text, source="s")])
    if isinstance(result, Drop):
        return result.reason
    assert set(result.metadata) <= set(Secrets.writes)
    return result.text


JWT = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890", "name": "x"})
)
KEYS = {
    "amazon": "AKIA" + made(16, string.ascii_uppercase + "234567"),
    "github": "ghp_" + made(36),
    "slack": "xoxb-" + made(12, string.digits) + "-" + made(24),
    "google": "AIza" + made(35),
    "stripe": "sk_" + "live_" + made(24),
    "npm": "npm_" + made(36),
    "jwt": f"{JWT}.{made(43)}",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_issued_keys(key):
    assert found(f'x = "{key}" # c') == 'x = "<KEY>" # c'
    assert found(key, action="drop") == "secret"
    shown = "AKIA" + "IOSFODNN7" + "EXAMPLE"
    assert found(shown) == shown
    short = key[:9]
    assert found(f"x = {short}") == f"x = {short}"


def test_private_keys_go_as_a_block_even_cut_off():
    head = "-----BEGIN RSA PRIVATE " + "KEY-----"
    tail = "-----END RSA PRIVATE " + "KEY-----"
    assert found(f"a\n{head}\n{made(60)}\n{tail}\nb") == "a\n<KEY>\nb"
    assert found(f"a\n{head}\n{made(60)}\n") == "a\n<KEY>"
    public = "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----"
    assert found(public) == public


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'API_KEY = "{(a := made(32))}"', 'API_KEY = "<KEY>"'),
        (f"'client_secret': '{made(40, '0123456789abcdef')}'", "'client_secret': '<KEY>'"),
        (f'db_password: "{made(20)}"', 'db_password: "<PASSWORD>"'),
        ("postgres://ann:hunter42x@db.host/x", "postgres://ann:<PASSWORD>@db.host/x"),
        ('api_key = "your_api_key_goes_here_1"', None),
        ('token = "some-descriptive-name-v2"', None),
        ('secret_name = "projects/demo1/secrets/first"', None),
        ('password = "correcthorsebatterystaple"', None),
        ('key = "${SECRET_KEY_1234567890}"', None),
        ("https://user:password@host.org", None),
        ("http://user:${PASS}@host.org", None),
        ('token_url = "https://host.org/oauth2/token"', None),
        ('checksum = "' + made(40, "0123456789abcdef") + '"', None),
        ("eyJub3QgYSB0b2tlbiBhdCBhbGwi.eyJub3QgYSB0b2tlbiJ9.aaaaaaaaaaaa", None),
    ],
)
def test_assignments_and_addresses(text, expected):
    assert found(text) == (text if expected is None else expected)


def test_assignments_can_be_left_alone():
    text = f'API_KEY = "{made(32)}"'
    assert found(text, assignments=False) == text


def test_entropy_and_randomness():
    assert entropy("abcd") == 2
    assert entropy("aaaa") == 0
    keys = [made(32) for _ in range(200)] + [made(32, "0123456789abcdef") for _ in range(200)]
    assert sum(map(looks_random, keys)) >= 380
    names = [
        "get_user_by_email_2",
        "TransformerDecoderLayer1",
        "application/json1",
        "utf-8-sig-encoding-2",
        "2023-10-11T12:30:45",
        "internationalization18",
        "src/components/Button2.tsx",
    ]
    assert not any(map(looks_random, names))
