import CZlib
import Foundation
import PrismCore
import PrismTensor

/// Writes a zip archive of stored entries: equal content gives equal bytes.
///
/// Always in the zip64 form, so that one way of writing serves every size, and with each entry's data at a multiple of 64,
/// where readers can map the numbers as they are.
package struct ZipWriter {
    package enum Part {
        case data(Data)
        /// As little-endian fp32.
        case tensor(Tensor)

        fileprivate func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
            switch self {
            case .data(let data): try data.withUnsafeBytes(body)
            case .tensor(let tensor):
                try withExtendedLifetime(tensor) {
                    try body(UnsafeRawBufferPointer(start: tensor.data, count: 4 * tensor.count))
                }
            }
        }
    }

    private var entries: [(name: String, parts: [Part])] = []

    package init() {}

    package mutating func add(_ name: String, _ parts: Part...) {
        precondition(!entries.contains { $0.name == name })
        entries.append((name, parts))
    }

    /// - Throws: `PrismError.runFailed` if the file cannot be written; the old file is then still there.
    package func write(to url: URL) throws {
        try Files.writeAtomically(to: url) { handle in
            var position = 0
            func write(_ data: Data) throws {
                try handle.write(contentsOf: data)
                position += data.count
            }
            var directory = Data()
            for (name, parts) in entries {
                let size = parts.reduce(0) { $0 + $1.withBytes(\.count) }
                let checksum = parts.reduce(UInt(0)) { sum, part in
                    part.withBytes {
                        $0.isEmpty
                            ? sum : crc32_z(sum, $0.baseAddress!.assumingMemoryBound(to: UInt8.self), $0.count)
                    }
                }
                let start = position
                // Version 4.5, names in UTF-8, stored, the earliest date there is; sizes follow in the zip64 field.
                let common =
                    littleEndian(UInt16(45), UInt16(0x800), UInt16(0), UInt16(0), UInt16(0x21), UInt32(checksum))
                    + littleEndian(UInt32.max, UInt32.max, UInt16(name.utf8.count))
                let sizes = littleEndian(UInt16(1), UInt16(16), UInt64(size), UInt64(size))
                let padding = (64 - (start + 30 + name.utf8.count + sizes.count + 4) % 64) % 64
                try write(
                    littleEndian(UInt32(0x0403_4b50)) + common + littleEndian(UInt16(sizes.count + 4 + padding))
                        + Data(name.utf8)
                        + sizes + littleEndian(UInt16(0x4246), UInt16(padding)) + Data(count: padding))
                for part in parts {
                    try part.withBytes { bytes in
                        guard let base = bytes.baseAddress else { return }
                        let view = UnsafeMutableRawPointer(mutating: base)
                        try write(Data(bytesNoCopy: view, count: bytes.count, deallocator: .none))
                    }
                }
                directory +=
                    littleEndian(UInt32(0x0201_4b50), UInt16(45)) + common
                    + littleEndian(UInt16(28), UInt16(0), UInt16(0))
                    + littleEndian(UInt16(0), UInt32(0), UInt32.max) + Data(name.utf8)
                    + littleEndian(UInt16(1), UInt16(24), UInt64(size), UInt64(size), UInt64(start))
            }
            let (start, count) = (position, UInt64(entries.count))
            try write(directory)
            let end = UInt64(position)
            try write(
                littleEndian(
                    UInt32(0x0606_4b50), UInt64(44), UInt16(45), UInt16(45), UInt32(0), UInt32(0), count, count)
                    + littleEndian(UInt64(directory.count), UInt64(start)))
            try write(littleEndian(UInt32(0x0706_4b50), UInt32(0), end, UInt32(1)))
            try write(
                littleEndian(UInt32(0x0605_4b50), UInt16(0), UInt16(0), UInt16.max, UInt16.max)
                    + littleEndian(UInt32.max, UInt32.max, UInt16(0)))
        }
    }
}

/// Numbers one after the other, little-endian.
package func littleEndian(_ numbers: any FixedWidthInteger...) -> Data {
    func append(_ number: some FixedWidthInteger, to data: inout Data) {
        withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) }
    }
    var data = Data()
    for number in numbers { append(number, to: &data) }
    return data
}
