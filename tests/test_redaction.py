"""Nothing secret survives, nothing else changes, and it takes no longer than the text is long."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixby.redaction import MARK, literals, redacted, redacted_literals, without

SECRET = "hunter2"
TOKEN = "a1B2c3D4e5" * 4

GIVEN_TO_A_NAME = [
    'password = "hunter2"',
    'PASSWORD: str = "hunter2"',
    "config = {'password': 'hunter2'}",
    'api_key := "hunter2"',
    "'secret' => 'hunter2',",
    "password: hunter2",
    "  - name: x\n    password: hunter2  # why",
    "ENV DB_PASSWORD hunter2",
    "ENV DB_PASSWORD=hunter2",
    "export API_KEY=hunter2",
    'connect(host, password="hunter2")',
    'if token == "hunter2":',
    'if "hunter2" == user.password:',
    'os.environ.get("DB_PASSWORD", "hunter2")',
    'user.set_password("hunter2")',
    'check_password(user, "hunter2")',
    "<password>hunter2</password>",
    "mysql --password=hunter2",
    "mysql --password hunter2 db",
    'url = "postgresql://app:hunter2@db/x"',
    "redis://:hunter2@cache",
    'password = "one" "hunter2"',
    'password = "one" + "hunter2"',
    'String dbPassword = "hunter2";',
    "const apiKey = `hunter2`;",
    'password = """hunter2"""',
    "password = 'hunter2",
    'self.credentials["password"] = "hunter2"',
    '{\\"password\\": \\"hunter2\\"}',
    "Possible hardcoded password: 'hunter2'",
    'password = b"hunter2"',
    'def login(user, password="hunter2"):',
    "$password = 'hunter2';",
    'secretKey: "hunter2",',
    "the 'token' password: 'hunter2'",
    "curl -s -u admin:hunter2 https://host/",
    'os.system("curl --user admin:hunter2 " + url)',
    "sshpass -p hunter2 ssh host",
    "mysql -u root -phunter2 shop",
    'requests.get(url, auth=("admin", "hunter2"))',
    'HTTPBasicAuth(user, "hunter2")',
]

TOKENS = [
    "AKIAIOSFODNN7EXAMPLE",
    f"ghp_{TOKEN}",
    f"github_pat_{TOKEN}",
    f"glpat-{TOKEN[:20]}",
    f"xoxb-{TOKEN[:20]}",
    f"https://hooks.slack.com/services/T00/B00/{TOKEN}",
    f"sk_live_{TOKEN[:24]}",
    f"AIza{TOKEN[:35]}",
    f"eyJ{TOKEN}.eyJ{TOKEN}.{TOKEN}",
    f"npm_{TOKEN}",
    f"pypi-{TOKEN * 2}",
    f"SG.{TOKEN[:22]}.{TOKEN}",
    f"SK{'0123456789abcdef' * 2}",
    f"AccountKey={TOKEN * 2}==",
    f"Authorization: Bearer {TOKEN}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{TOKEN}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{TOKEN}",
    '"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"',
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "'9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c'",
]

ORDINARY = [
    "password = get_password()",
    'password = os.environ["DB_PASSWORD"]',
    "def f(password: str, token: str | None = None) -> str:",
    "  password: string;",
    'token_url = "https://example.org/token"',
    'PASSWORD_FIELD = "passwd"',
    "login(password=password, token=token)",
    "import secrets",
    'cursor.execute("SELECT password FROM users WHERE id = %s" % user)',
    'subprocess.run(["ls", path], shell=True)',
    "hashlib.md5(data).hexdigest()",
    'password = "${DB_PASSWORD}"',
    'url = f"postgresql://{user}:{password}@{host}/x"',
    'tokenizer = "punkt"',
    'fields = ("username", "password", "email")',
    'parser.add_argument("--password", help="your password")',
    'raise ValueError("password is too short")',
    'password = getpass.getpass("Password: ")',
    "class SomeVeryLongClassNameWithNumbers2AndMore(AnotherVeryLongBase):",
    "if not password: return False",
    'password = ""',
    "password = other_password",
    '"django.contrib.auth.password_validation.UserAttributeSimilarityValidator"',
    'uuid = "550e8400-e29b-41d4-a716-446655440000"',
    '<script src="https://cdn.example.org/jquery-3.3.1.min.js"></script>',
    'integrity="sha384-UO2eT0CpHqdSJQ6hJty5KVphtPhzWj9WO1clHTMGa3JDZwrnQq4sF86dIHNDz0W1"',
    "secrets: inherit",
    "token: ${{ secrets.GITHUB_TOKEN }}",
    'path = "/usr/local/lib/python3/site-packages/SomePackage/file2.py"',
    'return jwt.decode(token, key, algorithms=["HS256"])',
    'token = request.headers.get("Authorization", "")',
    "Use of assert detected. The enclosed code will be removed when compiling to optimised byte code.",
]


@pytest.mark.parametrize("text", GIVEN_TO_A_NAME)
def test_what_a_name_of_a_secret_is_given_is_masked(text: str) -> None:
    assert SECRET not in redacted(text)
    assert MARK in redacted(text)


@pytest.mark.parametrize("text", TOKENS)
def test_a_token_in_the_format_of_a_provider_is_masked(text: str) -> None:
    for before, after in (("", ""), ('x = "', '"\n'), ("see ", " there")):
        hidden = redacted(f"{before}{text}{after}")
        assert TOKEN[:10] not in hidden
        assert MARK in hidden


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_code_is_not_touched(text: str) -> None:
    assert redacted(text) == text


def test_what_surrounds_a_secret_stays_readable() -> None:
    assert (
        redacted('db = connect("h", password="hunter2")  # main') == 'db = connect("h", password="[redacted]")  # main'
    )
    assert redacted("url: postgresql://app:hunter2@db:5432/x") == "url: postgresql://app:[redacted]@db:5432/x"


def test_every_literal_can_be_masked() -> None:
    code = "x = connect('hunter2', rb\"two\", '''three\nlines''', `four`, 5)\ny = 'open"
    hidden = redacted_literals(code)
    assert hidden == f"x = connect('{MARK}', rb\"{MARK}\", '''{MARK}''', `{MARK}`, 5)\ny = '{MARK}"


def test_empty_literals_and_placeholders_are_no_secrets() -> None:
    code = "a = ''; b = \"${NAME}\"; c = None"
    assert redacted_literals(code) == code


def test_the_literals_of_code_can_be_taken_out_of_prose() -> None:
    found = literals("login(user, 'hunter2', \"a\")")
    assert found == {"hunter2"}
    assert without(found, "The password hunter2 stands in the code.") == "The password [redacted] stands in the code."


PIECES = st.sampled_from(
    [
        *(
            "password",
            "token",
            "secret",
            "api_key",
            '"',
            "'",
            "`",
            "\\",
            " ",
            "=",
            ":",
            ": ",
            "\n",
            "==",
            "+",
            "(",
            ")",
        ),
        *(",", "hunter2", "://", "@", "user:", "AKIAABCDEFGHIJKLMNOP", f"ghp_{TOKEN}", "<", ">", "{", "}", "$", "--"),
        *("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "get(", "set_", "ENV ", MARK, '"""', "f"),
        *("aB3dE5gH7jK9mN1pQ3sT5vW7xY9z", "str", "|", "#", "bearer ", "AccountKey="),
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=14).map("".join)))
def test_what_was_redacted_stays_as_it_is(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)
    assert redacted_literals(redacted_literals(text)) == redacted_literals(text)


HOSTILE = [
    *("password", 'password="', "password: a ", '"', "\\", "://a:", "://a:b@", "aB1", "-----BEGIN PRIVATE KEY-----"),
    *('password=\\"', "password='\\", '"a', '"a" == p', "ghp_", "eyJ", "eyJaaaaaaaa.", "\n", "\npassword", "password "),
    *("<password>", "set_", "set_password(", 'f("password",', "--password ", "`", '"""', 'password="""', "password=`"),
    *('password="a"+"b"', "_", "-", "password: str | int", "1", "M", "bearer ", "set-", "aB1/", "password.x["),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_time_grows_with_the_length_of_a_hostile_text(piece: str) -> None:
    assert _seconds(piece, 240_000) < 10 * _seconds(piece, 60_000) + 0.2


@pytest.mark.parametrize("piece", ["password='\\", 'password="a"+"b"'])
def test_a_hostile_megabyte_is_a_matter_of_seconds(piece: str) -> None:
    assert _seconds(piece, 1_000_000) < 20


def _seconds(piece: str, length: int) -> float:
    text = (piece * (length // len(piece) + 1))[:length]
    started = time.process_time()
    redacted.__wrapped__(text)
    return time.process_time() - started
