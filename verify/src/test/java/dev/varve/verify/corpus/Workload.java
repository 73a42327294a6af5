package dev.varve.verify.corpus;

import dev.varve.cluster.LocalCluster;

/// What is done with a server to make it write certain records.
interface Workload {
  void run(LocalCluster cluster) throws Exception;
}
