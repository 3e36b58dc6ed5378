#!/usr/bin/env python3
"""Recomputes a draw from what the box office has published. It needs nothing but Python 3.

    curl -s http://127.0.0.1:8080/api/v1/sales/SALE > sale.json
    python3 docs/draw.py sale.json --ticket 17 --ticket 1204
    concert-cli queue verify-draw SALE --places places.csv
    python3 docs/draw.py sale.json --places places.csv

A million tickets take it about a minute. How the draw is made is in docs/src/draw.md.
"""

import argparse
import csv
import hashlib
import hmac
import json
import struct
import sys
import uuid


def chacha20_words(key):
    """The stream of ChaCha20 (RFC 8439) as 32-bit words: nonce of zeros, blocks counted from 0."""
    constants_and_key = struct.unpack("<4I8I", b"expand 32-byte k" + key)
    counter = 0
    while True:
        start = [*constants_and_key, counter & 0xFFFFFFFF, counter >> 32, 0, 0]
        state = list(start)
        for _ in range(10):
            for a, b, c, d in ROUNDS:
                quarter_round(state, a, b, c, d)
        for word, first in zip(state, start):
            yield (word + first) & 0xFFFFFFFF
        counter += 1


# The four columns, then the four diagonals.
ROUNDS = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
          (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]


def quarter_round(state, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[x] = (state[x] + state[y]) & 0xFFFFFFFF
        word = state[z] ^ state[x]
        state[z] = (word << turn | word >> (32 - turn)) & 0xFFFFFFFF


def places_of(key, count):
    """places[t - 1] is the place of ticket t."""
    places = list(range(1, count + 1))
    words = chacha20_words(key)
    for last in range(count - 1, 0, -1):
        choices = last + 1
        accepted = 2**32 - 2**32 % choices
        word = next(words)
        while word >= accepted:
            word = next(words)
        chosen = word % choices
        places[last], places[chosen] = places[chosen], places[last]
    return places


def key_of(draw):
    message = bytes.fromhex(draw["chain"]) + (draw.get("publicValue") or "").encode()
    return hmac.new(bytes.fromhex(draw["secret"]), message, hashlib.sha256).digest()


def chain_of(tokens):
    chain = bytes(32)
    for token in tokens:
        chain = hashlib.sha256(chain + uuid.UUID(token).bytes).digest()
    return chain


def main():
    options = argparse.ArgumentParser(description="Recomputes a draw.")
    options.add_argument("sale", help="the answer of GET /api/v1/sales/{saleId}, as a file; - for standard input")
    options.add_argument("--ticket", type=int, action="append", default=[], help="a ticket to show the place of")
    options.add_argument("--places", help="the file that `queue verify-draw --places` has written")
    given = options.parse_args()
    with sys.stdin if given.sale == "-" else open(given.sale, encoding="utf-8") as file:
        sale = json.load(file)
    draw = sale.get("draw", sale)
    if not draw or not draw.get("secret"):
        sys.exit("no draw is made yet")
    wrong = []
    if hashlib.sha256(bytes.fromhex(draw["secret"])).hexdigest() != draw["commitment"]:
        wrong.append("the commitment is not that of the secret")
    places = places_of(key_of(draw), draw["count"])
    print(f"count {draw['count']}\nkey {key_of(draw).hex()}")
    for ticket in given.ticket:
        print(f"ticket {ticket}: place {places[ticket - 1] if ticket <= len(places) else ticket}")
    if given.places:
        with open(given.places, encoding="utf-8", newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: int(row["ticket"]))
        if [int(row["ticket"]) for row in rows] != list(range(1, draw["count"] + 1)):
            wrong.append("the tickets are not 1 to the count")
        if chain_of(row["tokenId"] for row in rows).hex() != draw["chain"]:
            wrong.append("the chain is not that of the tokens")
        if [int(row["place"]) for row in rows] != places:
            wrong.append("the places are others")
    print("\n".join(wrong) or "all agrees")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
