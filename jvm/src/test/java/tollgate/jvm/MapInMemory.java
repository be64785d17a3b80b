package tollgate.jvm;

import java.util.Comparator;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.state.MapState;

/** Compares keys by their content, as RocksDB does. */
final class MapInMemory<K> implements MapState<K, byte[]> {
  final Map<K, byte[]> map;

  MapInMemory(Comparator<K> order) {
    map = new TreeMap<>(order);
  }

  @Override
  public byte[] get(K key) {
    return map.get(key);
  }

  @Override
  public void put(K key, byte[] value) {
    map.put(key, value);
  }

  @Override
  public void putAll(Map<K, byte[]> other) {
    map.putAll(other);
  }

  @Override
  public void remove(K key) {
    map.remove(key);
  }

  @Override
  public boolean contains(K key) {
    return map.containsKey(key);
  }

  @Override
  public Iterable<Map.Entry<K, byte[]>> entries() {
    return map.entrySet();
  }

  @Override
  public Iterable<K> keys() {
    return map.keySet();
  }

  @Override
  public Iterable<byte[]> values() {
    return map.values();
  }

  @Override
  public Iterator<Map.Entry<K, byte[]>> iterator() {
    return map.entrySet().iterator();
  }

  @Override
  public boolean isEmpty() {
    return map.isEmpty();
  }

  @Override
  public void clear() {
    map.clear();
  }
}
