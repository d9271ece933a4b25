#!/usr/bin/env python3
"""Print what `prism lab reproduce` found as a Markdown table.

    python3 Scripts/lab/table.py runs/lab/findings.json
"""
import json
import sys


def cell(text):
    return (text or "").replace("|", "\\|")


with open(sys.argv[1], encoding="utf-8") as file:
    entries = json.load(file)

claims = [claim for entry in entries for claim in entry["claims"]]
held = sum(claim["holds"] for claim in claims)
print(f"{held} of {len(claims)} claims hold.\n")
print("| experiment | phenomenon | published | closed form | got (spread over seeds) | criterion | verdict |")
print("|---|---|---|---|---|---|---|")
for entry in entries:
    for claim in entry["claims"]:
        row = [
            f"`{entry['name']}`", claim["phenomenon"], claim.get("published"), claim.get("closedForm"), claim["got"],
            claim["criterion"], "holds" if claim["holds"] else "**fails**",
        ]
        print("| " + " | ".join(map(cell, row)) + " |")
