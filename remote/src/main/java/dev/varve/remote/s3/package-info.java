/// An object store in a bucket of Amazon S3, or of a server that is compatible with it.
@NullMarked
package dev.varve.remote.s3;

import org.jspecify.annotations.NullMarked;
