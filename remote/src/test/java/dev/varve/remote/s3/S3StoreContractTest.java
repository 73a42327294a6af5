package dev.varve.remote.s3;

import dev.varve.remote.ObjectStore;
import dev.varve.remote.ObjectStoreContract;
import dev.varve.remote.StoreAddress;
import dev.varve.remote.StoreException;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class S3StoreContractTest extends ObjectStoreContract {

  private S3Server server;
  private StoreAddress.S3 address;
  private ObjectStore store;
  private int tests;

  @BeforeAll
  void start(@TempDir Path directory) throws Exception {
    server = new S3Server(directory);
  }

  @AfterAll
  void stop() throws Exception {
    server.close();
  }

  @BeforeEach
  void open() {
    address = server.address("test-" + tests++ + "/");
    store = another();
  }

  @AfterEach
  void close() {
    store.close();
  }

  /// S3Proxy looks at the condition, and then writes.
  @Override
  protected boolean hasAtomicConditions() {
    return false;
  }

  /// S3Proxy has objects as files of their names.
  @Override
  protected boolean namesMayNest() {
    return false;
  }

  @Override
  protected ObjectStore store() {
    return store;
  }

  @Override
  protected ObjectStore another() {
    try {
      return S3Store.open(
          address, S3Settings.DEFAULT, InstantSource.system(), S3Server.credentials());
    } catch (StoreException e) {
      throw new AssertionError(e);
    }
  }
}
