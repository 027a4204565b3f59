"""The guestbook's back end: `POST /entries` (form field `text`) stores an entry, `GET /entries` reads all as JSON.

Writes go to Redis' leader and are acknowledged when the replicas have them too; reads go to a replica. Both wait out
the seconds in which a dead Redis is replaced.
"""

import functools
import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import redis

VERSION = os.environ.get("GUESTBOOK_VERSION", "?")
KEY = "entries"
PATIENCE = 30.0  # seconds that a request waits for Redis
MAX_ENTRIES = int(os.environ.get("MAX_ENTRIES", "1000"))
MAX_BODY = 64 * 1024


def connect(variable):
    return redis.Redis(
        host=os.environ[variable],
        password=os.environ["REDIS_PASSWORD"],
        socket_timeout=2,
        socket_connect_timeout=1,
        health_check_interval=5,
        decode_responses=True,
    )


LEADER, REPLICA = connect("REDIS_LEADER"), connect("REDIS_REPLICA")


def patiently(action):
    """Calls `action` until Redis answers or patience ends."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except redis.RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def store(text):
    entry = json.dumps({"text": text, "time": round(time.time(), 3), "by": os.environ.get("POD_NAME", "")})
    pipeline = LEADER.pipeline(transaction=True)
    pipeline.rpush(KEY, entry)
    pipeline.ltrim(KEY, -MAX_ENTRIES, -1)
    pipeline.execute()
    LEADER.wait(LEADER.info("replication")["connected_slaves"], 1000)


def read():
    return [json.loads(entry) for entry in REPLICA.lrange(KEY, 0, -1)]


@functools.cache
def ready():
    """Ready once both Redis have answered, and from then on: what comes later is waited out by the requests."""
    LEADER.ping()
    REPLICA.ping()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "guestbook"
    timeout = 5  # an idle connection does not hold up the end

    def answer(self, status, body):
        data = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        try:
            if self.path == "/entries":
                self.answer(200, patiently(read))
            elif self.path == "/healthz":
                self.answer(200, "ok")
            elif self.path == "/readyz":
                ready()
                self.answer(200, "ok")
            elif self.path == "/version":
                self.answer(200, {"version": VERSION, "pod": os.environ.get("POD_NAME", "")})
            else:
                self.answer(404, {"error": "not found"})
        except redis.RedisError as error:
            self.answer(503, {"error": str(error)})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            return self.answer(413, {"error": "too large"})
        form = parse_qs(self.rfile.read(length).decode(errors="replace"))
        if self.path != "/entries":
            return self.answer(404, {"error": "not found"})
        if not form.get("text"):
            return self.answer(400, {"error": "the form field 'text' is missing"})
        try:
            patiently(lambda: store(form["text"][0]))
            self.answer(201, {"stored": form["text"][0]})
        except redis.RedisError as error:
            self.answer(503, {"error": str(error)})

    def log_message(self, format, *arguments):
        if self.path not in ("/healthz", "/readyz"):
            print(self.log_date_time_string(), self.address_string(), format % arguments, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = False  # the server ends when the last request is answered
    request_queue_size = 128


def main():
    server = Server(("", 8000), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"guestbook {VERSION} listens on port 8000", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
