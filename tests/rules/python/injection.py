import ast
import asyncio
import json
import os
import shlex
import subprocess
import sys

import ldap
import psycopg
import sqlalchemy
from bson import ObjectId
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.expressions import RawSQL
from fastapi import APIRouter
from flask import Flask, request
from sqlalchemy import select, text

app = Flask(__name__)
router = APIRouter()
ACCOUNTS = "accounts"


# --- SQL, data of the request ---


def list_accounts(cursor):
    owner = request.args.get("owner")
    # ruleid: fixby.python.sql-injection-request, fixby.python.sql-value-interpolated
    cursor.execute(f"SELECT id FROM accounts WHERE owner = '{owner}'")
    statement = "SELECT id FROM accounts ORDER BY "
    statement += request.args["column"]
    # ruleid: fixby.python.sql-injection-request
    cursor.execute(statement)
    # ok: fixby.python.sql-injection-request
    cursor.execute("SELECT id FROM accounts WHERE owner = %s", (owner,))
    page = int(request.args.get("page", 1))
    # ok: fixby.python.sql-injection-request
    cursor.execute(f"SELECT id FROM accounts ORDER BY id OFFSET {page * 20}")


@router.get("/orders/{state}")
async def orders(state: str, session):
    # ruleid: fixby.python.sql-injection-request, fixby.python.sql-value-interpolated
    await session.execute(text("SELECT * FROM orders WHERE state = '%s'" % state))
    # ok: fixby.python.sql-injection-request
    await session.execute(text("SELECT * FROM orders WHERE state = :state"), {"state": state})
    # ok: fixby.python.sql-injection-request
    await session.execute(select(Order).where(Order.state == state))
    # ok: fixby.python.sql-injection-request
    return await session.execute(text("SELECT * FROM orders WHERE state = :s").bindparams(s=state))


@app.route("/users/<name>")
def users(name):
    # ruleid: fixby.python.sql-injection-request, fixby.python.sql-value-interpolated
    return User.objects.raw("SELECT * FROM auth_user WHERE username = '%s'" % name)


@app.route("/users/<int:number>")
def user_by_number(number):
    # ok: fixby.python.sql-injection-request
    return User.objects.raw("SELECT * FROM auth_user ORDER BY id LIMIT %d" % number)


def graphql(schema):
    # ok: fixby.python.sql-injection-request
    return schema.execute(request.json["query"])


# --- SQL, values pasted in ---


def find(cursor, email, ids, columns):
    # ruleid: fixby.python.sql-value-interpolated
    cursor.execute("SELECT id FROM people WHERE email = '" + email + "'")
    query = "DELETE FROM people WHERE email LIKE '%{}'".format(email)
    # ruleid: fixby.python.sql-value-interpolated
    cursor.execute(query)
    # ruleid: fixby.python.sql-value-interpolated
    sqlalchemy.text(f"INSERT INTO people (email) VALUES ('{email}')")
    # ok: fixby.python.sql-value-interpolated
    cursor.execute(f"SELECT {columns} FROM {ACCOUNTS} WHERE email = %s", (email,))
    placeholders = ", ".join(["%s"] * len(ids))
    # ok: fixby.python.sql-value-interpolated
    cursor.execute(f"SELECT id FROM people WHERE id IN ({placeholders})", ids)
    # ok: fixby.python.sql-value-interpolated
    cursor.execute("SELECT id FROM people " + "WHERE id = %s", (ids[0],))
    # ok: fixby.python.sql-value-interpolated
    cursor.execute("CREATE TABLE %s (id int)" % ACCOUNTS)


def annotate(prefix):
    # ruleid: fixby.python.sql-value-interpolated
    raw = RawSQL(f"SELECT count(*) FROM log WHERE source = '{prefix}'", [])
    # ok: fixby.python.sql-value-interpolated
    good = RawSQL("SELECT count(*) FROM log WHERE source = %s", [prefix])
    with connection.cursor() as cursor:
        # ok: fixby.python.sql-value-interpolated
        cursor.execute("SET search_path = private")
    return raw, good


# --- operating-system commands ---


@app.route("/ping")
def ping():
    host = request.args["host"]
    # ruleid: fixby.python.command-injection-request, fixby.python.shell-command-interpolated
    os.system("ping -c 1 " + host)
    # ruleid: fixby.python.command-injection-request
    subprocess.run(["sh", "-c", host])
    # ruleid: fixby.python.command-injection-request
    subprocess.Popen(host, shell=True)
    # ok: fixby.python.command-injection-request
    subprocess.run(["/bin/ping", "-c", "1", host], check=True)
    # ok: fixby.python.command-injection-request
    os.system(f"ping -c 1 {shlex.quote(host)}")
    count = int(request.args["count"])
    # ok: fixby.python.command-injection-request
    return subprocess.getoutput(f"ping -c {count} localhost")


async def convert(source, width):
    # ruleid: fixby.python.shell-command-interpolated
    subprocess.check_call(f"convert {source} out.png", shell=True)
    command = "identify %s" % source
    # ruleid: fixby.python.shell-command-interpolated
    await asyncio.create_subprocess_shell(command)
    # ok: fixby.python.shell-command-interpolated
    subprocess.check_call(["convert", source, "out.png"])
    # ok: fixby.python.shell-command-interpolated
    subprocess.check_call(f"convert {shlex.quote(source)} out.png", shell=True)
    # ok: fixby.python.shell-command-interpolated
    subprocess.check_call(f"{sys.executable} -m this", shell=True)
    # ok: fixby.python.shell-command-interpolated
    subprocess.check_call("make clean all", shell=True)


# --- code ---


def calculate():
    # ruleid: fixby.python.code-injection-request
    total = eval(request.form["formula"])
    name = request.args.get("module")
    # ruleid: fixby.python.code-injection-request
    module = __import__(name)
    # ok: fixby.python.code-injection-request
    numbers = ast.literal_eval(request.form["numbers"])
    # ok: fixby.python.code-injection-request
    mode = eval("1 + 1")
    # ok: fixby.python.code-injection-request
    model = request.json["model"].compile("x")
    return total, module, numbers, mode, model


# --- LDAP ---


def login(server):
    name = request.form["name"]
    # ruleid: fixby.python.ldap-injection-request
    server.search_s("dc=example", ldap.SCOPE_SUBTREE, f"(uid={name})")
    # ruleid: fixby.python.ldap-injection-request
    server.search("dc=example", "(&(objectClass=person)(uid=" + name + "))")
    safe = ldap.filter.escape_filter_chars(name)
    # ok: fixby.python.ldap-injection-request
    server.search_s("dc=example", ldap.SCOPE_SUBTREE, f"(uid={safe})")
    # ok: fixby.python.ldap-injection-request
    server.search("dc=example", "(objectClass=person)", attributes=[name])


# --- NoSQL ---


def sign_in(database):
    body = request.get_json()
    # ruleid: fixby.python.nosql-injection-request
    user = database.users.find_one({"name": body["name"], "password": body["password"]})
    # ruleid: fixby.python.nosql-injection-request
    found = database.users.find({"tags": request.json["tags"]})
    # ok: fixby.python.nosql-injection-request
    by_name = database.users.find_one({"name": str(body["name"])})
    # ok: fixby.python.nosql-injection-request
    by_id = database.users.find_one({"_id": ObjectId(body["id"])})
    # ok: fixby.python.nosql-injection-request
    position = "some text".find(body["needle"])
    # ok: fixby.python.nosql-injection-request
    from_query = database.users.find_one({"name": request.args["name"]})
    return user, found, by_name, by_id, position, from_query
