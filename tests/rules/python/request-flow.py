import os
import shutil
import tarfile
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
import xml.sax
import zipfile
from pathlib import Path

import defusedxml.ElementTree
import httpx
import lxml.etree
import requests
from django.http import HttpResponseRedirect
from django.shortcuts import redirect as django_redirect
from django.utils.http import url_has_allowed_host_and_scheme
from fastapi import FastAPI
from fastapi.responses import FileResponse
from flask import Flask, redirect, request, send_file, url_for
from werkzeug.utils import secure_filename

app = Flask(__name__)
api = FastAPI()
BACKEND = os.environ["BACKEND"]
UPLOADS = Path("/srv/uploads")


# --- server-side requests ---


def proxy():
    url = request.args["url"]
    # ruleid: fixby.python.ssrf-request
    one = requests.get(url, timeout=5)
    # ruleid: fixby.python.ssrf-request
    two = urllib.request.urlopen("http://" + request.args["host"])
    # ok: fixby.python.ssrf-request
    three = requests.get(f"https://api.example.org/items/{url}", timeout=5)
    # ok: fixby.python.ssrf-request
    four = requests.get(f"{BACKEND}/items/{url}", timeout=5)
    # ok: fixby.python.ssrf-request
    five = requests.get("https://api.example.org/items", params={"q": url}, timeout=5)
    hosts = {"a": "https://a.example", "b": "https://b.example"}
    # ok: fixby.python.ssrf-request
    six = requests.get(hosts[request.args["host"]], timeout=5)
    return one, two, three, four, five, six


@api.post("/hooks")
async def test_hook(target: str, number: int):
    async with httpx.AsyncClient() as client:
        # ruleid: fixby.python.ssrf-request
        await client.post(target, json={})
        # ok: fixby.python.ssrf-request
        await client.post(f"https://hooks.example/{number}", json={"target": target})


# --- files ---


@app.route("/files/<path:name>")
def download(name):
    # ruleid: fixby.python.path-traversal-request
    return send_file(os.path.join("/srv/files", name))


@app.route("/files/<int:number>")
def download_number(number):
    # ok: fixby.python.path-traversal-request
    return send_file(f"/srv/files/{number}.pdf")


def upload():
    upload = request.files["document"]
    # ruleid: fixby.python.path-traversal-request
    upload.save("/srv/uploads/" + upload.filename)
    # ok: fixby.python.path-traversal-request
    upload.save(os.path.join("/srv/uploads", secure_filename(upload.filename)))
    # ruleid: fixby.python.path-traversal-request
    with open(f"/srv/notes/{request.form['note']}.txt") as note:
        text = note.read()
    # ruleid: fixby.python.path-traversal-request
    shutil.rmtree(UPLOADS / request.form["folder"])
    # ok: fixby.python.path-traversal-request
    with open(os.path.join("/srv/notes", os.path.basename(request.form["note"]))) as note:
        text += note.read()
    path = (UPLOADS / request.form["folder"]).resolve()
    if not path.is_relative_to(UPLOADS):
        raise ValueError(path)
    # ok: fixby.python.path-traversal-request
    shutil.rmtree(path)
    return text


@api.get("/artifacts/{name:path}")
def artifact(name: str):
    name = validate_artifact_name(name)
    # ok: fixby.python.path-traversal-request
    return FileResponse(os.path.join("/srv/artifacts", name))


# --- redirects ---


def after_login():
    # ruleid: fixby.python.open-redirect-request
    return redirect(request.args.get("next", "/"))


def after_login_django(request):
    target = request.GET["next"]
    # ruleid: fixby.python.open-redirect-request
    return HttpResponseRedirect(target)


def after_login_checked(request):
    target = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    # ok: fixby.python.open-redirect-request
    return django_redirect(target)


def after_login_in_branch(request):
    target = request.GET.get("next", "")
    if target and url_has_allowed_host_and_scheme(url=target, allowed_hosts=None):
        # ok: fixby.python.open-redirect-request
        return HttpResponseRedirect(target)
    # ok: fixby.python.open-redirect-request
    return HttpResponseRedirect("/")


def to_page():
    number = request.args["page"]
    if number == "1":
        # ok: fixby.python.open-redirect-request
        return redirect(url_for("index", page=number))
    # ok: fixby.python.open-redirect-request
    return redirect(f"/pages/{number}")


# --- archives ---


def unpack(path, target):
    with tarfile.open(path) as archive:
        # ruleid: fixby.python.tar-extract-unfiltered
        archive.extractall(target)
    # ruleid: fixby.python.tar-extract-unfiltered
    tarfile.open(path).extractall(target)
    with tarfile.open(path) as archive:
        # ok: fixby.python.tar-extract-unfiltered
        archive.extractall(target, filter="data")
    with zipfile.ZipFile(path) as archive:
        # ok: fixby.python.tar-extract-unfiltered
        archive.extractall(target)


# --- XML ---


def parsers(reader):
    # ruleid: fixby.python.xml-external-entities
    one = lxml.etree.XMLParser(resolve_entities=True)
    # ruleid: fixby.python.xml-external-entities
    two = lxml.etree.XMLParser(load_dtd=True, no_network=False)
    # ruleid: fixby.python.xml-external-entities
    reader.setFeature(xml.sax.handler.feature_external_ges, True)
    # ok: fixby.python.xml-external-entities
    three = lxml.etree.XMLParser(resolve_entities=False, no_network=True)
    # ok: fixby.python.xml-external-entities
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    return one, two, three


def import_feed():
    # ruleid: fixby.python.xml-parse-request
    one = ET.fromstring(request.data)
    # ruleid: fixby.python.xml-parse-request
    two = ET.parse(request.files["feed"])
    # ok: fixby.python.xml-parse-request
    three = defusedxml.ElementTree.fromstring(request.data)
    # ok: fixby.python.xml-parse-request
    four = ET.parse("feed.xml")
    return one, two, three, four
