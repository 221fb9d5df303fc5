"""What a process needs of our environment to reach the network from where we run."""

import os


def network() -> dict[str, str]:
    """The caller's proxies and certificates, with the loopback interface reached directly where a proxy is left out."""
    settings = {name: value for name, value in os.environ.items() if name.lower() in _NETWORK}
    direct = settings.pop("no_proxy", None) or settings.pop("NO_PROXY", None)
    return {**settings, "no_proxy": f"{direct},127.0.0.1"} if direct else settings


_NETWORK = frozenset(
    {"all_proxy", "curl_ca_bundle", "http_proxy", "https_proxy", "no_proxy", "requests_ca_bundle", "ssl_cert_file"}
)
