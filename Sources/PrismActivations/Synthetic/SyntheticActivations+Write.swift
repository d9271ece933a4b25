import Foundation
import PrismCore
import PrismFormats
import PrismTensor

extension SyntheticActivations {
    /// Writes all vectors with their true features, for other tools: `activations` [n, width]; and in rows of compressed
    /// storage `feature_offsets` [n + 1] int64, `feature_indices` int32 and `feature_values`: vector i's features stand at
    /// the offsets i ..< i + 1.
    /// - Throws: `PrismError.runFailed` if the file cannot be written or the work was interrupted.
    public func write(to url: URL, workers: Workers) throws {
        let progress = Progress("writing", total: vectorCount, unit: "vectors")
        let codes = codes(0..<vectorCount, workers: workers)
        var offsets: [Int64] = [0]
        var (indices, values) = ([Int32](), [Float]())
        for t in 0..<vectorCount {
            for active in codes[t] {
                indices.append(Int32(active.latent))
                values.append(active.value)
            }
            offsets.append(Int64(indices.count))
        }
        var writer = SafetensorsWriter()
        writer.add("activations", .f32, shape: [vectorCount, width]) { output in
            let block = Tensor(min(1 << 14, vectorCount), width)
            for start in stride(from: 0, to: vectorCount, by: block.rowCount) {
                try Interrupt.check()
                let rows = block.rows(0..<min(block.rowCount, vectorCount - start))
                try read(start..<start + rows.rowCount, into: rows, workers: workers) { progress.advance(by: $0) }
                try output.write(UnsafeRawBufferPointer(start: rows.data, count: 4 * rows.count))
            }
        }
        writer.add("feature_offsets", offsets, shape: [offsets.count])
        writer.add("feature_indices", indices, shape: [indices.count])
        writer.add("feature_values", Tensor(shape: [values.count], values))
        try writer.write(to: url)
        progress.finish()
    }
}
