import base64
import json
import pickle
import socket

import dill
import numpy as np
import pandas
import requests
import torch
import yaml
from flask import request
from ruamel.yaml import YAML
from transformers import AutoModel


def restore_cart():
    # ruleid: fixby.python.untrusted-object-deserialised
    cart = pickle.loads(base64.b64decode(request.cookies["cart"]))
    # ruleid: fixby.python.untrusted-object-deserialised
    table = pandas.read_pickle(request.files["table"])
    # ok: fixby.python.untrusted-object-deserialised
    plain = json.loads(request.cookies["cart"])
    with open("cache.bin", "rb") as cache:
        # ok: fixby.python.untrusted-object-deserialised
        cached = pickle.load(cache)
    return cart, table, plain, cached


def from_network(sock: socket.socket):
    data = sock.recv(4096)
    # ruleid: fixby.python.untrusted-object-deserialised
    first = dill.loads(data)
    # ruleid: fixby.python.untrusted-object-deserialised
    second = pickle.loads(requests.get("https://models.example/m.pkl").content)
    # ok: fixby.python.untrusted-object-deserialised
    third = pickle.loads(pickle.dumps({"a": 1}))
    return first, second, third


def settings(stream):
    # ruleid: fixby.python.yaml-unsafe-loader
    a = yaml.load(stream)
    # ruleid: fixby.python.yaml-unsafe-loader
    b = yaml.load(stream, Loader=yaml.Loader)
    # ruleid: fixby.python.yaml-unsafe-loader
    c = yaml.unsafe_load(stream)
    # ok: fixby.python.yaml-unsafe-loader
    d = yaml.safe_load(stream)
    # ok: fixby.python.yaml-unsafe-loader
    e = yaml.load(stream, Loader=yaml.CSafeLoader)
    # ok: fixby.python.yaml-unsafe-loader
    f = yaml.load(stream, yaml.SafeLoader)
    return a, b, c, d, e, f


def settings_ruamel(stream):
    yaml = YAML(typ="safe")
    # ok: fixby.python.yaml-unsafe-loader
    return yaml.load(stream)


def weights(path):
    # ruleid: fixby.python.model-loading-runs-code
    a = torch.load(path, weights_only=False)
    # ruleid: fixby.python.model-loading-runs-code
    b = np.load(path, allow_pickle=True)
    # ruleid: fixby.python.model-loading-runs-code
    c = AutoModel.from_pretrained("some/model", trust_remote_code=True)
    # ok: fixby.python.model-loading-runs-code
    d = torch.load(path, map_location="cpu", weights_only=True)
    # ok: fixby.python.model-loading-runs-code
    e = np.load(path)
    # ok: fixby.python.model-loading-runs-code
    f = AutoModel.from_pretrained("some/model", revision="8c1f2d")
    return a, b, c, d, e, f
