#!/usr/bin/env bash
# A real Apache Kafka broker (KRaft) for tests: kafkanode.sh setup; kafkanode.sh run DATA PORT CONTROLLER_PORT (in the foreground).
# Reads KAFKA_LIB, the folder of its jars, and KAFKA_VERSION.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
if [ "$1" = setup ]; then
    exec mvn -B -q -f "$here/pom.xml" "-Dkafka.version=$KAFKA_VERSION" dependency:copy-dependencies "-DoutputDirectory=$KAFKA_LIB"
fi
data="$2" port="$3" controller="$4"
mkdir -p "$data"
settings="$data/server.properties"
cat >"$settings" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
log.dirs=$data/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
log.retention.check.interval.ms=500
log.segment.delete.delay.ms=500
log.initial.task.delay.ms=500
P
tool() { java -cp "$KAFKA_LIB/*" kafka.tools.StorageTool "$@"; }
[ -e "$data/log/meta.properties" ] || tool format -t "$(tool random-uuid 2>/dev/null)" -c "$settings" >/dev/null
exec java -Xmx384m -cp "$KAFKA_LIB/*" kafka.Kafka "$settings"
