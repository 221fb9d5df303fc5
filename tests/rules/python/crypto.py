import hashlib
import hmac
import random
import secrets
import tempfile

from Crypto.Cipher import AES, DES3
from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import modes


def hashes(password, user, path):
    # ruleid: fixby.python.weak-hash-for-secret
    one = hashlib.md5(password.encode()).hexdigest()
    # ruleid: fixby.python.weak-hash-for-secret
    two = hashlib.sha1((user.name + user.api_key).encode())
    # ok: fixby.python.weak-hash-for-secret
    three = hashlib.sha256(password.encode())
    # ok: fixby.python.weak-hash-for-secret
    four = hashlib.md5(path.read_bytes()).hexdigest()
    # ok: fixby.python.weak-hash-for-secret
    five = hashlib.sha1(password.encode(), usedforsecurity=False)
    # ok: fixby.python.weak-hash-for-secret
    six = hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 600000)
    # ok: fixby.python.weak-hash-for-secret
    seven = hmac.new(user.api_key.encode(), path.read_bytes(), hashlib.sha1)
    return one, two, three, four, five, six, seven


def ciphers(key, nonce):
    # ruleid: fixby.python.weak-cipher
    one = DES3.new(key, DES3.MODE_CBC)
    # ruleid: fixby.python.weak-cipher
    two = AES.new(key, AES.MODE_ECB)
    # ruleid: fixby.python.weak-cipher
    three = modes.ECB()
    # ok: fixby.python.weak-cipher
    four = AES.new(key, AES.MODE_GCM, nonce=nonce)
    # ok: fixby.python.weak-cipher
    five = modes.GCM(nonce)
    return one, two, three, four, five


def keys():
    # ruleid: fixby.python.short-asymmetric-key
    one = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    # ruleid: fixby.python.short-asymmetric-key
    two = RSA.generate(1024)
    # ok: fixby.python.short-asymmetric-key
    three = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    # ok: fixby.python.short-asymmetric-key
    four = RSA.generate(2048)
    return one, two, three, four


def values(alphabet, record):
    # ruleid: fixby.python.predictable-random-secret
    reset_token = "".join(random.choice(alphabet) for _ in range(20))
    # ruleid: fixby.python.predictable-random-secret
    record.otp = random.randint(100000, 999999)
    # ok: fixby.python.predictable-random-secret
    session_id = secrets.token_urlsafe()
    # ok: fixby.python.predictable-random-secret
    colour = random.choice(["red", "green"])
    # ok: fixby.python.predictable-random-secret
    token_count = random.randint(1, 10)
    parameters = {
        "format": "json",
        # ruleid: fixby.python.predictable-random-secret
        "nonce": random.getrandbits(64),
    }
    return reset_token, session_id, colour, token_count, parameters


def signed(key, body, given):
    expected = hmac.new(key, body, "sha256").hexdigest()
    # ruleid: fixby.python.signature-compared-with-equals
    if expected == given:
        return True
    # ruleid: fixby.python.signature-compared-with-equals
    if given != "sha256=" + hmac.new(key, body, "sha256").hexdigest():
        return False
    # ok: fixby.python.signature-compared-with-equals
    if len(expected) != len(given):
        return False
    # ok: fixby.python.signature-compared-with-equals
    return hmac.compare_digest(expected, given)


def files():
    # ruleid: fixby.python.tempfile-mktemp
    one = tempfile.mktemp()
    # ruleid: fixby.python.tempfile-mktemp
    two = tempfile.mktemp(suffix=".db")
    # ok: fixby.python.tempfile-mktemp
    three = tempfile.mkstemp()
    # ok: fixby.python.tempfile-mktemp
    four = tempfile.mkdtemp()
    return one, two, three, four
