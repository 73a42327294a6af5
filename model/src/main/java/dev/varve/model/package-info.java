/// The coordinates of the page store, and the words everything else is said in.
///
/// A {@link dev.varve.model.Key} names a page; an {@link dev.varve.model.Lsn} names a moment in its
/// history; a {@link dev.varve.model.PageVersion} is what the page was, or what happened to it, at
/// that moment. Everything else in the server stores, finds or rebuilds page versions. This package
/// depends on nothing but the JDK.
@NullMarked
package dev.varve.model;

import org.jspecify.annotations.NullMarked;
