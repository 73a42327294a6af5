/// Layers: where page versions are kept, in memory while they arrive and in files for good.
///
/// A {@link dev.varve.layer.Layer} holds the versions of some keys over some LSNs. There are three:
///
/// * {@link dev.varve.layer.MemoryLayer}: *open* while one writer puts versions into it and any
///   number of threads read them, then *frozen*;
/// * {@link dev.varve.layer.DeltaLayer}: a file of all versions of its keys over its LSNs;
/// * {@link dev.varve.layer.ImageLayer}: a file of whole values at one LSN.
///
/// The files are written front to back by {@link dev.varve.layer.DeltaLayerWriter} and {@link
/// dev.varve.layer.ImageLayerWriter} and never change. Their bytes are described in {@link
/// dev.varve.layer.LayerFormat} and, below it, in {@link dev.varve.layer.BlockFrame}, {@link
/// dev.varve.layer.DataBlock}, {@link dev.varve.layer.IndexBlock} and {@link
/// dev.varve.layer.KeyFilter}. Files are read through {@link dev.varve.layer.LayerFiles}, which
/// bounds how many are open, and a {@link dev.varve.layer.BlockCache}, which bounds the memory they
/// take.
///
/// The file of a layer may be elsewhere: in object storage, from where {@link
/// dev.varve.layer.RemoteLayers} reads ranges of it. {@link dev.varve.layer.Residency} has the
/// states of a layer in that respect; whoever reads it need not know them.
///
/// A layer that does not have a key says nothing about it: whoever reads looks into older layers.
/// Which layers there are, and in what order to ask them, is the business of the timeline; this
/// package knows neither timelines nor PostgreSQL.
@NullMarked
package dev.varve.layer;

import org.jspecify.annotations.NullMarked;
