package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import java.io.IOException;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/// What the fuzzer begins with: the records that {@link ChangeSample}s are of, the pages that they
/// changed, and images of some of those pages. Never changes; any number of threads.
final class FuzzCorpus {

  private static final int IMAGED_PAGES = 40;
  private static final int METHODS = 4;

  /// A record of a server of this version; of its blocks, those that there are samples of have
  /// their data.
  record Source(PgVersion version, RecordParts record) {}

  private final Map<Integer, List<Source>> sources = new TreeMap<>();
  private final Map<Integer, List<byte[]>> pages = new HashMap<>();
  private final List<byte[]> allPages = new ArrayList<>();
  private final List<RecordParts.Image> images = new ArrayList<>();
  private final List<RecordParts.Image> imagesOf14 = new ArrayList<>();

  static FuzzCorpus load() throws IOException, URISyntaxException {
    var corpus = new FuzzCorpus();
    for (String name : ChangeSample.names()) {
      PgVersion version = PgVersion.ofMajor(Integer.parseInt(name.replaceAll("\\D", "")));
      List<ChangeSample> samples = ChangeSample.of(name);
      samples.forEach(corpus::addPages);
      for (RecordParts record : records(version, samples).values()) {
        corpus
            .sources
            .computeIfAbsent(record.rmgr, _ -> new ArrayList<>())
            .add(new Source(version, record));
      }
    }
    corpus.makeImages();
    return corpus;
  }

  /// The samples' records by their LSN. Samples of one record have the same.
  static Map<Long, RecordParts> records(PgVersion version, List<ChangeSample> samples) {
    Map<Long, RecordParts> records = new LinkedHashMap<>();
    for (ChangeSample sample : samples) {
      records.computeIfAbsent(sample.lsn(), _ -> new RecordParts()).add(version, sample);
    }
    return records;
  }

  private void addPages(ChangeSample sample) {
    int rmgr = sample.change().get(PgLayout.BYTE, 1);
    int info = sample.change().get(PgLayout.BYTE, 2);
    int id = sample.change().get(PgLayout.BYTE, 3);
    byte[] page = sample.before().toArray(PgLayout.BYTE);
    pages.computeIfAbsent(place(rmgr, info, id), _ -> new ArrayList<>()).add(page);
    allPages.add(page);
  }

  private static int place(int rmgr, int info, int id) {
    return (rmgr & 0xFF) << 16 | (info & 0xF0) << 8 | id;
  }

  private void makeImages() {
    for (int i = 0; i < IMAGED_PAGES; i++) {
      byte[] page = allPages.get(i * allPages.size() / IMAGED_PAGES);
      for (int method = 0; method < METHODS; method++) {
        addImage(images, PgVersion.V18, page, method);
        if (method < 2) {
          addImage(imagesOf14, PgVersion.V14, page, method);
        }
      }
    }
  }

  private static void addImage(
      List<RecordParts.Image> images, PgVersion version, byte[] page, int method) {
    RecordParts.Image image = PageImages.of(version, page, method, true);
    if (image != null) {
      images.add(image);
    }
  }

  /// A record, of each resource manager as often as of any other.
  Source source(SplittableRandom random) {
    return any(any(List.copyOf(sources.values()), random), random);
  }

  /// An image as a server of this version stores it, for redo to restore.
  RecordParts.Image image(PgVersion version, SplittableRandom random) {
    return any(version == PgVersion.V14 ? imagesOf14 : images, random);
  }

  /// A page that such a block of such a record was found on, if there is one, or any.
  byte[] page(int rmgr, int info, int id, SplittableRandom random) {
    return any(pages.getOrDefault(place(rmgr, info, id), allPages), random);
  }

  byte[] page(SplittableRandom random) {
    return any(allPages, random);
  }

  private static <T> T any(List<T> list, SplittableRandom random) {
    return list.get(random.nextInt(list.size()));
  }
}
