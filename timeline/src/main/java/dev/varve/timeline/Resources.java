package dev.varve.timeline;

/// What all timelines of a server together take of it, and use, at one moment. Sizes are in bytes.
///
/// @param layerMemory what open and frozen layers, and batches of imports, take in memory
/// @param layerMemoryPeak the most that this has been
/// @param blockCache what blocks of layer files take in memory
/// @param blockCacheHits how often a block was there; misses: how often it was not
/// @param openFiles layer files that are open
/// @param fileReads how often a layer file was read
/// @param fileBytesRead how many bytes that were
/// @param rangeReads how often a range of a layer was read from the object store
/// @param rangeBytesRead how many bytes that were
/// @param downloads how many whole layers were fetched from there
/// @param bytesDownloaded how many bytes that were
/// @param downloadFailures how often one could not be fetched
public record Resources(
    long layerMemory,
    long layerMemoryLimit,
    long layerMemoryPeak,
    long blockCache,
    long blockCacheLimit,
    long blockCacheHits,
    long blockCacheMisses,
    int openFiles,
    long fileReads,
    long fileBytesRead,
    long rangeReads,
    long rangeBytesRead,
    long downloads,
    long bytesDownloaded,
    long downloadFailures) {

  static Resources of(Shared shared) {
    var budget = shared.budget();
    var files = shared.files();
    var cache = files.cache();
    RemoteTenants remote = shared.remote();
    Downloads downloads = remote == null ? null : remote.downloads();
    return new Resources(
        budget.used(),
        budget.limit(),
        budget.peak(),
        cache.bytes(),
        cache.limit(),
        cache.hits(),
        cache.misses(),
        files.openFiles(),
        files.reads(),
        files.bytesRead(),
        files.rangesRead(),
        files.rangeBytesRead(),
        downloads == null ? 0 : downloads.done(),
        downloads == null ? 0 : downloads.bytes(),
        downloads == null ? 0 : downloads.failed());
  }
}
