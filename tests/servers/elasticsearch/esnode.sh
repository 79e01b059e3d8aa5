#!/bin/bash
# esnode.sh setup            download + lay out target/home-$ES_VERSION (idempotent)
# esnode.sh run DATA PORT [setting=value ...]   run in the foreground; prints READY when HTTP answers
set -e
W=$(cd "$(dirname "$0")" && pwd); V=${ES_VERSION:-8.19.21}; S=${ES_SECURITY:+-security}; H=${ES_HOME_DIR:-$W/../target/elasticsearch}/home-$V$S
J=${ES_JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}   # 8.19 runs on Java 17+, 9.x needs 21+
PL=plugin8; case $V in 9.*) PL=plugin9;; esac
M=$H/modules/transport-netty4
if [ "$1" = setup ]; then
  mvn -B -q -f "$W/pom$S.xml" -Des.version=$V "-Dhome=$H" generate-resources
  for m in $H/modules/*; do n=$(basename $m); unzip -qoj $m/$n-$V.jar "META-INF/es-plugins/$n/*" -d $m; done
  mkdir -p $H/config $H/plugins $H/natives $H/classes
  Z=$(ldconfig -p | awk "/libzstd.so.1 /{print \$NF; exit}"); [ -z "$Z" ] || ln -sf "$Z" "$H/natives/libzstd.so"   # zstd: best_compression and logsdb need it
  printf 'status = error\nappender.c.type = Console\nappender.c.name = c\nappender.c.layout.type = PatternLayout\nappender.c.layout.pattern = [%%d{ISO8601}][%%-5p][%%c{1.}] [%%node_name] %%marker%%m%%n\nrootLogger.level = %s\nrootLogger.appenderRef.c.ref = c\n' ${ES_LOG:-warn} > $H/config/log4j2.properties
  : > $H/config/elasticsearch.yml
  $J/bin/javac --module-path $H/lib --add-modules org.elasticsearch.server -d $H/classes $W/EsNode.java
  mkdir -p $H/plugins/soc-test $H/plug                      # small test plugin: GET / and what .security's mapping needs
  $J/bin/javac -Xlint:-options -cp "$H/lib/*" -d $H/plug $W/$PL/*.java && $J/bin/jar cf $H/plugins/soc-test/soc-test.jar -C $H/plug .
  printf 'description=soc test helper\nversion=1\nname=soc-test\njava.version=17\nelasticsearch.version=%s\nclassname=soc.SocTestPlugin\n' $V > $H/plugins/soc-test/plugin-descriptor.properties
  if [ -n "$S" ]; then sed -i '/^modulename/d' $H/modules/x-pack-security/plugin-descriptor.properties   # its module needs OpenSAML 4.3 modules, not on Central
    python3 - $H/config <<'P'
import base64, hashlib, os, sys
def h(p, s=os.urandom(32), b=lambda x: base64.b64encode(x).decode()):
    return "{PBKDF2}10000$%s$%s" % (b(s), b(hashlib.pbkdf2_hmac("sha512", p.encode(), s, 10000, 32)))
open(sys.argv[1] + "/users", "w").write("admin:%s\n" % h("adminpw1")); open(sys.argv[1] + "/users_roles", "w").write("superuser:admin\n")
P
  fi
  exit
fi
shift
if [ -n "$S" ]; then A="xpack.security.enabled=true xpack.security.enrollment.enabled=false xpack.security.autoconfiguration.enabled=false xpack.security.transport.ssl.enabled=false"
  ES_JAVA_EXTRA="$ES_JAVA_EXTRA --add-exports=org.elasticsearch.server/org.elasticsearch.plugins.interceptor=ALL-UNNAMED --add-exports=org.elasticsearch.server/org.elasticsearch.plugins.internal=ALL-UNNAMED"; fi
N=; [ "$($J/bin/java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p;q')" -ge 21 ] && N="--enable-native-access=org.elasticsearch.nativeaccess,org.apache.lucene.core"
exec $J/bin/java ${ES_HEAP:--Xms512m -Xmx1g} ${ES_JIT:--XX:+UseSerialGC -XX:TieredStopAtLevel=1} -Djava.awt.headless=true -Dlog4j2.disable.jmx=true -Des.distribution.type=tar \
  -Des.nativelibs.path=$H/natives -Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false -Dio.netty.noUnsafe=true $N $ES_JAVA_EXTRA \
  --module-path $H/lib --add-modules=ALL-MODULE-PATH,jdk.net,jdk.management.agent -cp $H/classes EsNode $H "$@" $A
