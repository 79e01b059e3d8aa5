#!/usr/bin/env bash
# A real OpenSearch node for tests: osnode.sh setup; osnode.sh run DATA PORT [SETTING=VALUE ...] (in the foreground; prints READY).
# Reads OS_HOME_DIR, the folder of its jars, OS_VERSION, and OS_JAVA_HOME, a JDK of Java 21 or newer. OS_SECURITY=1: with the security
# plugin, whose first user is admin, password admin (the plugin's own sample configuration); its certificates are settings of `run`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
security="${OS_SECURITY:+-security}"
home="$OS_HOME_DIR/home-$OS_VERSION$security"
if [ "$1" = setup ]; then
    mvn -B -q -f "$here/pom$security.xml" "-Dopensearch.version=$OS_VERSION" "-Dhome=$home" generate-resources
    mkdir -p "$home/config" "$home/modules" "$home/plugins" "$home/classes"
    : >"$home/config/opensearch.yml"
    plugin="$home/plugins/opensearch-security"
    if [ -n "$security" ]; then
        cp -r "$plugin/config" "$home/config/opensearch-security"
        # extended.plugins: a module that is not published
        sed -i "/^extended.plugins/d; s/^opensearch.version=.*/opensearch.version=$OS_VERSION/" "$plugin/plugin-descriptor.properties"
        mv "$plugin"/bc*.jar "$home/lib/" # Netty, which is on the class path here, reads keys with them
        for jar in "$home"/lib/*.jar; do rm -f "$plugin/$(basename "$jar")"; done
    fi
    exec "$OS_JAVA_HOME/bin/javac" -cp "$home/lib/*" -d "$home/classes" "$here/OsNode.java"
fi
shift
exec "$OS_JAVA_HOME/bin/java" -Xms512m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true -Dlog4j2.disable.jmx=true \
    --enable-native-access=ALL-UNNAMED -cp "$home/classes:$home/lib/*" OsNode "$home" "$@"
