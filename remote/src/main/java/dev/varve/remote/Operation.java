package dev.varve.remote;

/// What is asked of a store.
public enum Operation {
  PUT,
  GET,
  HEAD,
  LIST,
  DELETE
}
