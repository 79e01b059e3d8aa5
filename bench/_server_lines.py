"""Lines of servers and databases for `python -m bench.parse`: name -> the format that reads them, and who makes them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from bench._moments import moments


def w3c_lines(dice: random.Random) -> Iterator[str]:
    """IIS with its usual columns, as a listener gets them: without a header."""
    for n, at in moments(200):
        yield (
            f"{at:%Y-%m-%d %H:%M:%S} 10.20.1.5 GET /ho-so/{n}.aspx id={n}&tab={n % 7} 443 HOTICH\\user{n % 500} 203.0."
            f"{dice.randrange(256)}.{dice.randrange(256)} Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64) https://motcua.tinh.example/ 200 0 0 "
            f"{dice.randrange(9999)}"
        )


def zeek_lines(dice: random.Random) -> Iterator[str]:
    """Zeek's conn.log as JSON, as it is shipped."""
    for n, moment in moments():
        at = moment.timestamp()
        yield (
            f'{{"ts":{at:.6f},"uid":"C{dice.getrandbits(60):x}","id.orig_h":"10.20.{n % 200}.{dice.randrange(256)}","id.orig_p":'
            f'{dice.randrange(1024, 65536)},"id.resp_h":"203.0.{dice.randrange(256)}.{dice.randrange(256)}","id.resp_p":443,"proto":"tcp",'
            f'"service":"ssl","duration":{n % 900 / 7:.6f},"orig_bytes":{n % 9000},"resp_bytes":{n % 90000},"conn_state":"SF",'
            f'"local_orig":true,"local_resp":false,"missed_bytes":0,"history":"ShADadfF","orig_pkts":{n % 90},'
            f'"orig_ip_bytes":{n % 9999},"resp_pkts":{n % 80},"resp_ip_bytes":{n % 99999}}}'
        )


def squid_lines(dice: random.Random) -> Iterator[str]:
    """squid's native form: pages and tunnels."""
    for n, moment in moments():
        at = f"{moment.timestamp():.3f} {n % 900:6} 10.20.{n % 200}.{dice.randrange(256)}"
        end = f"user{n % 500} HIER_DIRECT/203.0.113.{n % 256}"
        yield f"{at} TCP_MISS/200 {n % 90000} GET http://vanban.tinh.example/cong-van/{n}?tab={n % 7} {end} text/html"
        yield f"{at} TCP_TUNNEL/200 {n % 90000} CONNECT host{n % 999}.example.org:443 {end} -"


def haproxy_lines(dice: random.Random) -> Iterator[str]:
    """Requests and connections through HAProxy, as it sends them to syslog."""
    for n, at in moments():
        client = f"203.0.{dice.randrange(256)}.{dice.randrange(256)}:{dice.randrange(1024, 65536)}"
        head = f"<134>{at:%b} {at.day:2} {at:%H:%M:%S} lb-01 haproxy[871]: {client} [{at:%d/%b/%Y:%H:%M:%S}.655]"
        request = f"GET /ho-so/{n}?tab={n % 7} HTTP/1.1"
        yield f'{head} https-in~ motcua/web-{n % 9} 10/0/30/69/{n % 900} 200 {n % 90000} - - ---- 1/1/1/1/0 0/0 "{request}"'
        yield f"{head} pg-in pg/db-{n % 4} 0/0/{n % 9000} {n % 90000} -- 0/0/0/0/3 0/0"


def suricata_lines(dice: random.Random) -> Iterator[str]:
    """Suricata's EVE: flows, and now and then a request and an alert."""
    for n, at in moments():
        head = (
            f'{{"timestamp":"{at:%Y-%m-%dT%H:%M:%S.%f}+0000","flow_id":{dice.getrandbits(50)},"in_iface":"ens192","event_type":"%s","src_ip":'
            f'"10.20.{n % 200}.{dice.randrange(256)}","src_port":{dice.randrange(1024, 65536)},"dest_ip":"203.0.113.{n % 256}",'
            f'"dest_port":443,"proto":"TCP",'
        )
        counts = f'"pkts_toserver":{n % 90},"pkts_toclient":{n % 80},"bytes_toserver":{n % 9999},"bytes_toclient":{n % 99999}'
        web = f'"http":{{"hostname":"host{n % 99}.example","url":"/ho-so/{n}","http_method":"GET","status":200,"length":{n % 9999}}}'
        yield (
            head % "flow"
            + f'"app_proto":"tls","flow":{{{counts},"age":{n % 99},"state":"closed","reason":"timeout"}}}}'
        )
        yield head % "http" + f'"tx_id":0,{web}}}'
        yield (
            head % "alert"
            + f'"alert":{{"action":"allowed","gid":1,"signature_id":{n % 9999},"rev":1,"signature":"TINH {n % 99}"}},{web}}}'
        )


def mariadb_lines(dice: random.Random) -> Iterator[str]:
    """MariaDB's audit plugin: statements and the tables that they read."""
    for n, at in moments():
        head = f"{at:%Y%m%d %H:%M:%S},db-01,user{n % 500},10.20.{n % 200}.{dice.randrange(256)},{n % 9999},{n}"
        yield f"{head},QUERY,nhan_su,'SELECT * FROM luong WHERE ma = \\'{n}\\' AND nam = 2026',0"
        yield f"{head},READ,nhan_su,luong,"


SERVER_LINES: dict[str, tuple[str, Callable[[random.Random], Iterator[str]]]] = {
    "w3c": ("w3c", w3c_lines),
    "shapes/suricata": ("json", suricata_lines),
    "shapes/zeek": ("json", zeek_lines),
    "mariadb-audit": ("mariadb-audit", mariadb_lines),
    "squid": ("squid", squid_lines),
    "messages/haproxy": ("syslog", haproxy_lines),
}
