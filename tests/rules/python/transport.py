import ssl

import aiohttp
import httpx
import paramiko
import requests


def calls(url, bundle):
    # ruleid: fixby.python.tls-verify-disabled
    requests.get(url, timeout=5, verify=False)
    session = requests.Session()
    # ruleid: fixby.python.tls-verify-disabled
    session.verify = False
    # ruleid: fixby.python.tls-verify-disabled
    client = httpx.Client(verify=False)
    # ruleid: fixby.python.tls-verify-disabled
    connector = aiohttp.TCPConnector(ssl=False)
    # ok: fixby.python.tls-verify-disabled
    requests.get(url, timeout=5, verify=bundle)
    # ok: fixby.python.tls-verify-disabled
    requests.post(url, timeout=5)
    # ok: fixby.python.tls-verify-disabled
    image = load(url, verify=False)
    return client, connector, image


def contexts():
    # ruleid: fixby.python.tls-context-unverified
    one = ssl._create_unverified_context()
    two = ssl.create_default_context()
    # ruleid: fixby.python.tls-context-unverified
    two.check_hostname = False
    three = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # ruleid: fixby.python.tls-context-unverified
    three.verify_mode = ssl.CERT_NONE
    four = ssl.create_default_context()
    # ok: fixby.python.tls-context-unverified
    four.verify_mode = ssl.CERT_REQUIRED
    five = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # ok: fixby.python.tls-context-unverified
    five.verify_mode = ssl.CERT_NONE
    return one, two, three, four, five


def shells():
    client = paramiko.SSHClient()
    # ruleid: fixby.python.ssh-host-key-unchecked
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    # ruleid: fixby.python.ssh-host-key-unchecked
    client.set_missing_host_key_policy(paramiko.WarningPolicy)
    # ok: fixby.python.ssh-host-key-unchecked
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    # ok: fixby.python.ssh-host-key-unchecked
    client.load_system_host_keys()
    return client
