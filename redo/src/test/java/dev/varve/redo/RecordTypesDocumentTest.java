package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class RecordTypesDocumentTest {

  @Test
  void isWhatTheCodeSays() throws Exception {
    if (Boolean.getBoolean("varve.documents.write")) {
      RecordTypesDocument.write();
    }
    assertThat(Files.readString(RecordTypesDocument.path())).isEqualTo(RecordTypesDocument.text());
  }

  @Test
  void knowsWhichRecordsChangePages() {
    assertThat(RecordTypesDocument.text())
        .contains(
            "| Heap2/PRUNE | x | x | x | | | yes |",
            "| Heap2/PRUNE_ON_ACCESS | | | | x | x | yes |",
            "| Btree/REUSE_PAGE | x | x | x | x | x | |",
            "| Database/CREATE_WAL_LOG | | x | x | x | x | |",
            "| XLOG/FPI_FOR_HINT | x | x | x | x | x | yes |");
  }
}
