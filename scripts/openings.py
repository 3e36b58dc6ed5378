#!/usr/bin/env python3
"""Measures how soon after the opening of a sale three servers on one database let people in.

Usage: scripts/openings.py [FOLDER]   the programs are in FOLDER: target/debug unless it is said.

Each of five sales has one person waiting at each server, who asks every few milliseconds. Printed is when each server
told its person to be in, in milliseconds after the instant; exit code 1 if one of them took longer than 100.
"""
import datetime
import http.client
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

SALES = 5
MOST_MS = 100
UNTIL_OPENING = 8.0
LONGEST_WAIT = 10.0
PROGRAMS = sys.argv[1] if len(sys.argv) > 1 else "target/debug"
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(port, method, path, body=None, token=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_WAIT)
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else {}


def wait_until_ready(port):
    until = time.time() + 60
    while time.time() < until:
        try:
            if ask(port, "GET", "/health/ready")[0] == 200:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    sys.exit("a server is not ready after a minute")


def start(folder, *options):
    port = free_port()
    listen = ["--listen", f"127.0.0.1:{port}", "--bare-join", "on"]
    log = open(f"{folder}/server-{port}.log", "w")
    server = subprocess.Popen([f"{PROGRAMS}/concert-server", *listen, *options], stdout=log, stderr=subprocess.STDOUT)
    wait_until_ready(port)
    return port, server


def make(data, *arguments):
    made = subprocess.run([f"{PROGRAMS}/concert-cli", "--data-dir", data, *arguments], check=True, capture_output=True, text=True)
    return ID.search(made.stdout).group(0)


def let_in(port, user, token, opens, told, nth):
    time.sleep(max(0.0, opens - time.time() - 0.3))
    while time.time() < opens + LONGEST_WAIT:
        status, body = ask(port, "GET", f"/api/v1/tokens/{user}", token=token)
        if status == 200 and body["status"] == "ACTIVE":
            told[nth] = round((time.time() - opens) * 1000)
            return
        time.sleep(0.002)


def rehearse(data, ports, nth):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=UNTIL_OPENING)
    order = ["arrival", "draw"][nth % 2]
    sale = make(data, "sale", "add", f"Sale {nth}", "--opens", at.isoformat(), "--order", order)
    told = [None] * len(ports)
    watchers = []
    for of, port in enumerate(ports):
        user = make(data, "user", "create", f"user{nth}of{of}")
        status, joined = ask(port, "POST", "/api/v1/tokens", {"userId": user, "saleId": sale})
        if status != 201:
            sys.exit(f"a join was answered {status}: {joined}")
        arguments = (port, user, joined["token"], at.timestamp(), told, of)
        watchers.append(threading.Thread(target=let_in, args=arguments))
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    print(f"{order}: let in {told} ms after the opening, by server", flush=True)
    return told


def main():
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/data"
        first, owner = start(folder, "--data-dir", data)
        url = f"mysql://root@localhost/concert?socket={data}/mariadb.sock"
        others = []
        try:
            for _ in range(2):
                others.append(start(folder, "--database-url", url, "--jwt-secret-file", f"{data}/jwt-secret"))
            told = [rehearse(data, [first, *(port for port, _ in others)], nth) for nth in range(SALES)]
        finally:
            for server in [*(server for _, server in others), owner]:
                server.terminate()
                server.wait()
    if any(one is None or one > MOST_MS for of_sale in told for one in of_sale):
        sys.exit(f"not within {MOST_MS} ms")


main()
