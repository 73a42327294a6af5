package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.LayerName;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.ObjectName;
import dev.varve.remote.generation.Generation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RemoteNameTest {

  private static final TenantId TENANT = new TenantId(1, 0xA);
  private static final TimelineId TIMELINE = new TimelineId(2, 0xB);
  private static final Generation GENERATION = new Generation(0x1F);
  private static final String T = "tenants/0000000000000001000000000000000a/";
  private static final String TL = T + "timelines/0000000000000002000000000000000b/";
  private static final String LAYER =
      "000000000000000000000000000000000000-FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
          + "__0000000000001001-0000000000002001-v1";

  private static void requireForm(RemoteName name, String text) {
    assertThat(name.object()).isEqualTo(new ObjectName(text));
    assertThat(RemoteName.parse(name.object())).contains(name);
  }

  @Test
  void namesAreReadAsTheyAreWritten() {
    LayerName layer = LayerName.delta(KeyRange.ALL, new LsnRange(new Lsn(0x1001), new Lsn(0x2001)));
    requireForm(new RemoteName.Manifest(TENANT, GENERATION), T + "manifest-0000001f");
    requireForm(new RemoteName.Index(TENANT, TIMELINE, GENERATION), TL + "index-0000001f");
    requireForm(
        new RemoteName.LayerFile(TENANT, TIMELINE, layer, GENERATION), TL + LAYER + "-0000001f");
    requireForm(
        new RemoteName.LayerFile(TENANT, TIMELINE, layer.withCopy(3), new Generation(-1)),
        TL + LAYER + "-00000003-ffffffff");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "manifest-0000001f",
        T + "manifest",
        T + "manifest-1f",
        T + "manifest-0000001F",
        T + "manifest-0000001f/x",
        T + "index-0000001f",
        T + "timelines/index-0000001f",
        TL + "index",
        TL + "manifest-0000001f",
        TL + "x/index-0000001f",
        TL + LAYER,
        TL + LAYER + "-00000000-0000001f",
        TL + LAYER + "-1-0000001f",
        "x/" + TL + "index-0000001f",
        "tenants/0000000000000001000000000000000A/manifest-0000001f",
      })
  void whatIsNotOursHasNoMeaning(String text) {
    assertThat(RemoteName.parse(new ObjectName(text))).isEmpty();
  }

  @Test
  void prefixesAreOfAllNamesAndNoOthers() {
    var index = new RemoteName.Index(TENANT, TIMELINE, GENERATION);
    assertThat(index.object().value())
        .startsWith(RemoteName.indexParts(TENANT, TIMELINE))
        .startsWith(RemoteName.inTimeline(TENANT, TIMELINE));
    assertThat(RemoteName.inTimeline(TENANT, TIMELINE)).endsWith("/");
    assertThat(new RemoteName.Manifest(TENANT, GENERATION).object().value())
        .startsWith(RemoteName.manifests(TENANT));
  }
}
