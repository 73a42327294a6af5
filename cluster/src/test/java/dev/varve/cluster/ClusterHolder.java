package dev.varve.cluster;

/// A program that starts a server, says so, and waits to be ended in whatever way.
final class ClusterHolder {

  private ClusterHolder() {}

  public static void main(String[] arguments) throws Exception {
    LocalCluster cluster = LocalCluster.builder(PostgresBinaries.of(17)).start();
    System.out.println(cluster.pid() + " " + cluster.socketDirectory());
    Thread.sleep(Long.MAX_VALUE);
  }
}
