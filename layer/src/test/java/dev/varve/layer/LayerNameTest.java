package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LayerNameTest {

  private static final KeyRange KEYS =
      new KeyRange(new Key(0, 1663, 5, 16384, 0, 0), new Key(0, 1663, 5, 16384, 1, 0xABCDEF));
  private static final String NAMED_KEYS =
      "000000067F00000005000040000000000000-000000067F00000005000040000100ABCDEF";

  @Test
  void namesADeltaLayer() {
    var name = LayerName.delta(KEYS, new LsnRange(new Lsn(0x16B3748), new Lsn(-1)));
    String file = NAMED_KEYS + "__00000000016B3748-FFFFFFFFFFFFFFFF-v1";
    assertThat(name.fileName()).isEqualTo(file);
    assertThat(LayerName.parse(file)).contains(name);
  }

  @Test
  void namesAnImageLayer() {
    var name = LayerName.image(KEYS, new Lsn(0xA_016B_3748L));
    String file = NAMED_KEYS + "__0000000A016B3748-v1";
    assertThat(name.fileName()).isEqualTo(file);
    assertThat(LayerName.parse(file)).contains(name);
  }

  @Test
  void tellsFilesOfTheSameKeysAndLsnsApart() {
    LayerName name = LayerName.image(KEYS, new Lsn(0xA_016B_3748L)).withCopy(0x1F);
    String file = NAMED_KEYS + "__0000000A016B3748-v1-0000001f";
    assertThat(name.fileName()).isEqualTo(file);
    assertThat(LayerName.parse(file)).contains(name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "index_part.json",
        NAMED_KEYS + "__00000000016B3748",
        NAMED_KEYS + "__00000000016B3748-v2",
        NAMED_KEYS + "__00000000016b3748-v1",
        NAMED_KEYS + "__00000000016B3748-v1.temp",
        NAMED_KEYS + "__00000000016B3748-v1-1f",
        NAMED_KEYS + "__00000000016B3748-00000000016B3748-v1",
        NAMED_KEYS + "__FFFFFFFFFFFFFFFF-v1",
        "000000067F00000005000040000100ABCDEF-000000067F00000005000040000000000000"
            + "__00000000016B3748-v1",
      })
  void otherNamesAreNone(String name) {
    assertThat(LayerName.parse(name)).isEmpty();
  }

  @Test
  void anImageLayerHasOneLsn() {
    var two = new LsnRange(new Lsn(5), new Lsn(7));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LayerName(LayerKind.IMAGE, KEYS, two));
  }
}
