"""cronjob-controller: Jobs at set times.

Pure: `times` (when a schedule fires), `plan` (what to do now). `controller` acts.
"""
