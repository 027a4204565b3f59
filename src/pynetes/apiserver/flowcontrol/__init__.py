"""Priority and fairness: requests are sorted into priority levels, each with seats of its own, and wait fairly there.

`matching` finds the FlowSchema of a request, `queueset` is a level's queues and seats (start-time fair queuing over
shuffle-sharded queues), `seats` says how many seats a request takes, `allocation` how many each level has (pure),
`controller` follows the objects and puts it together, `measures` counts, `dumps` shows what runs and waits.
`filters.flowcontrol` asks it for every request.
"""
