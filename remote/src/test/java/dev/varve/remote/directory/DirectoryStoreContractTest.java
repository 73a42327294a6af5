package dev.varve.remote.directory;

import dev.varve.remote.ObjectStore;
import dev.varve.remote.ObjectStoreContract;
import dev.varve.remote.StoreException;
import java.time.InstantSource;
import org.junit.jupiter.api.BeforeEach;

class DirectoryStoreContractTest extends ObjectStoreContract {

  private ObjectStore store;

  @BeforeEach
  void open() throws StoreException {
    store = DirectoryStore.open(scratch.resolve("store"), InstantSource.system());
  }

  @Override
  protected ObjectStore store() {
    return store;
  }

  @Override
  protected ObjectStore another() {
    try {
      return DirectoryStore.open(scratch.resolve("store"), InstantSource.system());
    } catch (StoreException e) {
      throw new AssertionError(e);
    }
  }
}
