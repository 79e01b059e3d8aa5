import java.nio.file.*;
import java.util.*;
import java.util.concurrent.CountDownLatch;
import org.opensearch.Version;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;
import org.opensearch.transport.Netty4ModulePlugin;

/** Starts one real OpenSearch node: OsNode HOME DATA HTTP_PORT [setting=value ...] */
public final class OsNode extends Node {
    OsNode(Environment environment) {
        super(environment, List.of(new PluginInfo("transport-netty4", "HTTP and transport", "3", Version.CURRENT, "21",
            Netty4ModulePlugin.class.getName(), List.of(), false)), true);
    }

    public static void main(String[] a) throws Exception {
        long t0 = System.nanoTime();
        Path home = Path.of(a[0]).toAbsolutePath(), data = Path.of(a[1]).toAbsolutePath();
        Files.createDirectories(data.resolve("data")); Files.createDirectories(data.resolve("logs"));
        Settings.Builder s = Settings.builder()
            .put("path.home", home.toString())
            .put("path.data", data.resolve("data").toString())
            .put("path.logs", data.resolve("logs").toString())
            .put("cluster.name", "soc-test").put("node.name", "soc-test-0")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", a[2]).put("transport.port", "0");
        for (int i = 3; i < a.length; i++) { int k = a[i].indexOf('='); s.put(a[i].substring(0, k), a[i].substring(k + 1)); }
        LogConfigurator.setNodeName("soc-test-0");
        Environment environment = InternalSettingsPreparer.prepareEnvironment(s.build(), Map.of(), home.resolve("config"), () -> "soc-test-0");
        LogConfigurator.configureWithoutConfig(environment.settings());
        Node node = new OsNode(environment);
        node.start();
        CountDownLatch done = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { try { node.close(); } catch (Exception e) { e.printStackTrace(); } done.countDown(); }));
        System.out.printf("READY port=%s pid=%d ms=%d%n", a[2], ProcessHandle.current().pid(), (System.nanoTime() - t0) / 1_000_000);
        done.await();
    }
}
