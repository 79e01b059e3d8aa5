"""`soc run --role collect|detect|index`: the running SOC in processes on any machines, with a journal on Kafka between them.

    collect ─▶ TOPIC ─▶ detect ─┬─▶ TOPIC-found ──────────────────────────▶ index ─▶ ledger, projections, event store
                                └─▶ TOPIC-hits ─▶ detect ─▶ TOPIC-correlated ─▶│
    what the SOC says of itself: TOPIC-said ─▶ collect        what became of batches: collect ─▶ TOPIC-told ─▶ index

One process collects, and is the one that writes the journal; one indexes, and is the one that writes the ledger; any number detect, and
share the partitions. Whatever stage a process takes over, it goes on from the last message of that stage's own output, which was written
in one transaction with all that came of the input; who was overtaken writes nothing more.
"""
