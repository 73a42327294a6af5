package dev.varve.remote.s3;

import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.ObjectStoreContract;
import dev.varve.remote.StoreAddress;
import dev.varve.remote.StoreException;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/// The same against a server of the tester's: `VARVE_TEST_S3` has its address, such as
/// `s3://bucket/prefix?endpoint=https://host:9000&path-style=true`, and the AWS SDK finds the
/// credentials.
@EnabledIfEnvironmentVariable(
    named = ExternalS3ContractTest.VARIABLE,
    matches = "s3://.*",
    disabledReason = "no S3 server is named by VARVE_TEST_S3")
class ExternalS3ContractTest extends ObjectStoreContract {

  static final String VARIABLE = "VARVE_TEST_S3";

  private StoreAddress.S3 address;
  private ObjectStore store;

  @BeforeEach
  void open() {
    var given = (StoreAddress.S3) StoreAddress.parse(System.getenv(VARIABLE));
    String prefix = given.prefix() + "varve-test-" + UUID.randomUUID() + "/";
    address =
        new StoreAddress.S3(
            given.bucket(), prefix, given.endpoint(), given.region(), given.pathStyle());
    store = another();
  }

  @AfterEach
  void close() throws IOException, InterruptedException {
    List<ObjectState> left = store.list("", "", 1000, LIMIT).objects();
    store.delete(left.stream().map(ObjectState::name).toList(), LIMIT);
    store.close();
  }

  @Override
  protected ObjectStore store() {
    return store;
  }

  @Override
  protected ObjectStore another() {
    try {
      return S3Store.open(address, S3Settings.DEFAULT, InstantSource.system());
    } catch (StoreException e) {
      throw new AssertionError(e);
    }
  }
}
