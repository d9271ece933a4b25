import Foundation

/// Arrays of trivial values as the bytes they are in memory (all supported machines are little-endian).
enum Blobs {
    static func data<T: BitwiseCopyable>(_ values: [T]) -> Data { values.withUnsafeBytes { Data($0) } }

    /// - Returns: nil if the bytes are no whole number of values.
    static func values<T: BitwiseCopyable>(_ data: Data, of type: T.Type = T.self) -> [T]? {
        guard data.count % MemoryLayout<T>.stride == 0 else { return nil }
        return data.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: MemoryLayout<T>.stride).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: T.self)
            }
        }
    }
}
