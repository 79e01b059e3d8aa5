#!/usr/bin/env bash
# A real OpenSearch node for tests: osnode.sh setup; osnode.sh run DATA PORT [SETTING=VALUE ...] (in the foreground; prints READY).
# Reads OS_HOME_DIR, the folder of its jars, OS_VERSION, and OS_JAVA_HOME, a JDK of Java 21 or newer.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
home="$OS_HOME_DIR/home-$OS_VERSION"
if [ "$1" = setup ]; then
    mvn -B -q -f "$here/pom.xml" "-Dopensearch.version=$OS_VERSION" "-Dhome=$home" generate-resources
    mkdir -p "$home/config" "$home/modules" "$home/plugins" "$home/classes"
    : >"$home/config/opensearch.yml"
    exec "$OS_JAVA_HOME/bin/javac" -cp "$home/lib/*" -d "$home/classes" "$here/OsNode.java"
fi
shift
exec "$OS_JAVA_HOME/bin/java" -Xms512m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true -Dlog4j2.disable.jmx=true \
    --enable-native-access=ALL-UNNAMED -cp "$home/classes:$home/lib/*" OsNode "$home" "$@"
