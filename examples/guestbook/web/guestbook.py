"""The guestbook's back end: `POST /entries` (form field `text`) stores an entry, `GET /entries` reads all as JSON.

Writes go to Redis' leader and are acknowledged when all replicas have them too; reads go to a replica. Both wait out
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
PATIENCE = 50.0  # seconds that a request waits for Redis
REPLICAS = int(os.environ.get("REPLICAS", "2"))

# Stores an entry once, however often it is tried. It writes something each time (a new leader compares this number):
# WAIT waits for what its own connection has written last.
STORE = """
redis.call('incr', 'written')
if not redis.call('lpos', KEYS[1], ARGV[1], 'rank', -1, 'maxlen', 1000) then
  redis.call('rpush', KEYS[1], ARGV[1])
  redis.call('ltrim', KEYS[1], -ARGV[2], -1)
end
"""
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


def entry_of(text):
    return json.dumps({"text": text, "time": round(time.time(), 6), "by": os.environ.get("POD_NAME", "")})


def store(entry):
    """Raises until all replicas have it; it may be tried again."""
    pipeline = LEADER.pipeline(transaction=False)  # one connection: WAIT is about what that has written
    pipeline.eval(STORE, 1, KEY, entry, MAX_ENTRIES)
    pipeline.execute_command("WAIT", REPLICAS, 1500)
    _, copies = pipeline.execute()
    if copies < REPLICAS:
        raise redis.RedisError(f"only {copies} of {REPLICAS} replicas have the entry")


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
            entry = entry_of(form["text"][0])
            patiently(lambda: store(entry))
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
