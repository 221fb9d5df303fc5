import logging
import os

import boto3
import jwt
import psycopg2
import redis
from flask import Flask

app = Flask(__name__)
logger = logging.getLogger(__name__)


def databases():
    # ruleid: fixby.python.hardcoded-service-password
    one = psycopg2.connect(host="db", user="shop", password="k3ttle-Brown")
    # ruleid: fixby.python.hardcoded-service-password
    two = redis.Redis(host="cache", password="k3ttle-Brown")
    # ok: fixby.python.hardcoded-service-password
    three = psycopg2.connect(host="db", user="shop", password=os.environ["DB_PASSWORD"])
    # ok: fixby.python.hardcoded-service-password
    four = redis.Redis(host="cache", password="")
    # ok: fixby.python.hardcoded-service-password
    five = psycopg2.connect(host="db", user="shop", password="<your password>")
    return one, two, three, four, five


# ruleid: fixby.python.hardcoded-framework-secret-key
app.config["SECRET_KEY"] = "7d441f27d441f27567d441f2b6176a"
# ruleid: fixby.python.hardcoded-framework-secret-key
app.secret_key = "7d441f27d441f27567d441f2b6176a"
# ruleid: fixby.python.hardcoded-framework-secret-key
SECRET_KEY = "k#0p^u!x2v8r4q7w9z"
# ok: fixby.python.hardcoded-framework-secret-key
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
# ok: fixby.python.hardcoded-framework-secret-key
app.secret_key = "change-me"
# ok: fixby.python.hardcoded-framework-secret-key
app.config["SECRET_KEY_FILE"] = "/run/secrets/key"


def clouds():
    # ruleid: fixby.python.hardcoded-aws-key
    one = boto3.client("s3", aws_access_key_id="x", aws_secret_access_key="q7Hf0ZkP3vT9mB2xW8nL5cR1yJ6dS4gA0uE7iOpK")
    # ruleid: fixby.python.hardcoded-aws-key
    os.environ["AWS_SECRET_ACCESS_KEY"] = "q7Hf0ZkP3vT9mB2xW8nL5cR1yJ6dS4gA0uE7iOpK"
    # ok: fixby.python.hardcoded-aws-key
    two = boto3.client("s3", aws_secret_access_key=os.environ["KEY"])
    # ok: fixby.python.hardcoded-aws-key
    three = boto3.client("s3", aws_secret_access_key="testing")
    # ok: fixby.python.hardcoded-aws-key
    four = boto3.client("s3", aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    return one, two, three, four


def tokens(token, key):
    # ruleid: fixby.python.jwt-signature-unchecked
    one = jwt.decode(token, options={"verify_signature": False})
    # ruleid: fixby.python.jwt-signature-unchecked
    two = jwt.decode(token, key, verify=False)
    # ok: fixby.python.jwt-signature-unchecked
    three = jwt.decode(token, key, algorithms=["HS256"])
    # ok: fixby.python.jwt-signature-unchecked
    four = jwt.decode(token, key, algorithms=["HS256"], options={"verify_aud": False})
    # ruleid: fixby.python.jwt-none-algorithm
    five = jwt.encode({"sub": "1"}, None, algorithm="none")
    # ruleid: fixby.python.jwt-none-algorithm
    six = jwt.decode(token, key, algorithms=["HS256", "none"])
    # ok: fixby.python.jwt-none-algorithm
    seven = jwt.encode({"sub": "1"}, key, algorithm="HS256")
    # ok: fixby.python.jwt-none-algorithm
    eight = jwt.decode(token, key, algorithms=["RS256"])
    # ruleid: fixby.python.jwt-hardcoded-key
    nine = jwt.encode({"sub": "1"}, "k3ttle-Brown", algorithm="HS256")
    # ruleid: fixby.python.jwt-hardcoded-key
    ten = jwt.decode(token, "k3ttle-Brown", algorithms=["HS256"])
    # ok: fixby.python.jwt-hardcoded-key
    eleven = jwt.encode({"sub": "1"}, os.environ["JWT_KEY"], algorithm="HS256")
    # ok: fixby.python.jwt-hardcoded-key
    twelve = jwt.decode(token, app.config["JWT_KEY"], algorithms=["HS256"])
    return one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve


def log(user, password, settings):
    # ruleid: fixby.python.secret-in-log
    logger.info("login of %s with %s", user, password)
    # ruleid: fixby.python.secret-in-log
    logging.debug(f"connecting with {settings.api_key}")
    # ok: fixby.python.secret-in-log
    logger.info("login of %s, password given: %s", user, bool(password))
    # ok: fixby.python.secret-in-log
    logger.warning("the password is too short")
    # ok: fixby.python.secret-in-log
    logger.info("%d of %d", settings.token_count, settings.password_length)
