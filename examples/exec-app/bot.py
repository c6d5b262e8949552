"""Tells the weekday of a date, as JSON lines: {"id", "input"} in, {"id", "output"} out."""

import datetime
import json
import re
import sys


def answer(question):
    if not isinstance(question, str):
        raise ValueError("expected a question in words")
    found = re.search(r"(\d{4})-(\d\d)-(\d\d)", question)
    if not found:
        return "Which day? Write it like 2024-02-29."
    try:
        day = datetime.date(*map(int, found.groups()))
    except ValueError:
        return "There is no such day."
    return day.strftime("%A")


def reply(line):
    request = json.loads(line)
    try:
        return {"id": request["id"], "output": answer(request.get("input"))}
    except Exception as e:  # no answer is an error, not a wrong answer
        return {"id": request["id"], "error": str(e)}


sys.stdin.reconfigure(encoding="utf-8")
for line in sys.stdin:
    print(json.dumps(reply(line)), flush=True)  # one line, at once
