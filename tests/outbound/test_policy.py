"""The one address policy: hostile hosts, literal and resolved, and hostile URLs."""

import pytest

from config.outbound.errors import OutboundError
from config.outbound.policy import address_check, url_check

HOSTILE_ADDRESSES = {
    "this network": "0.0.0.0",
    "loopback": "127.0.0.1",
    "private 10": "10.0.0.1",
    "private 172": "172.16.0.1",
    "private 192": "192.168.1.1",
    "carrier-grade NAT": "100.64.0.1",
    "link-local, cloud metadata": "169.254.169.254",
    "Azure platform": "168.63.129.16",
    "benchmarking": "198.19.255.254",
    "benchmarking v6": "2001:2::1",
    "documentation": "192.0.2.1",
    "documentation 2": "198.51.100.7",
    "documentation 3": "203.0.113.9",
    "6to4 relay": "192.88.99.1",
    "multicast": "224.0.0.1",
    "multicast, site": "239.255.255.250",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "unspecified v6": "::",
    "loopback v6": "::1",
    "IPv4-mapped loopback": "::ffff:127.0.0.1",
    "IPv4-mapped private": "::ffff:10.0.0.1",
    "IPv4-compatible": "::127.0.0.1",
    "IPv4-translated": "::ffff:0:127.0.0.1",
    "NAT64 of loopback": "64:ff9b::7f00:1",
    "NAT64 of metadata": "64:ff9b::a9fe:a9fe",
    "local NAT64": "64:ff9b:1::7f00:1",
    "local NAT64 of a public address": "64:ff9b:1::808:808",
    "6to4 of loopback": "2002:7f00:1::",
    "6to4 of private": "2002:a00:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "unique local": "fd00::1",
    "AWS metadata v6": "fd00:ec2::254",
    "NAT64 of the Azure platform": "64:ff9b::a83f:8110",
    "IETF protocol assignments": "192.0.0.8",
    "link-local v6": "fe80::1",
    "link-local v6 with a zone": "fe80::1%eth0",
    "site-local": "fec0::1",
    "multicast v6": "ff02::1",
    "documentation v6": "2001:db8::1",
    "documentation v6, 2024": "3fff::1",
    "discard only": "100::1",
    "segment routing": "5f00::1",
    "outside global unicast": "4000::1",
}


@pytest.fixture(autouse=True)
def _strict(settings):
    settings.OUTBOUND_ALLOW_LOOPBACK = False


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES.values(), ids=HOSTILE_ADDRESSES)
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_only_public_addresses_may_be_dialled(settings, address, allow_loopback):
    settings.OUTBOUND_ALLOW_LOOPBACK = allow_loopback
    if allow_loopback and address in ("127.0.0.1", "::1"):
        address_check(address)
        return
    with pytest.raises(OutboundError) as refused:
        address_check(address)
    assert refused.value.code == "address_not_allowed"


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "93.184.216.34"])
def test_public_addresses_may_be_dialled(address):
    address_check(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://partner.example/hooks?x=1#y",
        "https://partner.example:8443/",
        "https://xn--4dbrk0ce.example/",
        "https://[2606:4700::1111]/",
    ],
)
def test_https_urls_are_accepted(url):
    url_check(url)


HOSTILE_URLS = [
    "",
    "partner.example",
    "//partner.example/",
    "http://partner.example/",
    "ftp://partner.example/",
    "file:///etc/passwd",
    "gopher://partner.example/",
    "javascript:alert(1)",
    "https://",
    "https:///path",
    "https://./",
    "https://user@partner.example/",
    "https://user:secret@partner.example/",
    "https://partner.example@10.0.0.1/",
    "https://@partner.example/",
    "https://partner.example:0/",
    "https://partner.example:65536/",
    "https://partner.example:port/",
    "https://partner.example/\r\nX-Injected: 1",
    "https://partner.example/\tx",
    "https://partner.example/a b",
    "https://partner.example\\@10.0.0.1/",
    "https://partner.example/\x00",
    "https://[::1",
    "https://10.0.0.1/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "ws://partner.example/",
    "unix:///run/valkey.sock",
    "data:text/plain,hello",
    "https:partner.example",
    "https://partner.example:-1/",
    "https://partner.example\u2028/",
    "http://127.0.0.1/",
    "https://[::1]/",
    "https://partner.example/" + "a" * 2048,
    None,
    7,
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_hostile_urls_are_refused_with_a_sentence(url):
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        url_check(url)


def test_http_to_this_machine_is_accepted_where_the_setting_allows_it(settings):
    settings.OUTBOUND_ALLOW_LOOPBACK = True
    for url in ("http://127.0.0.1:9000/", "http://localhost:9000/", "http://[::1]:9000/"):
        url_check(url)
    for url in ("http://10.0.0.1/", "http://partner.example/", "https://192.168.0.1/"):
        with pytest.raises(ValueError, match="URL"):
            url_check(url)
