import CZlib
import Foundation
import PrismCore
import PrismTensor

/// A zip archive mapped into memory (PKWARE's APPNOTE 6.3.9): the container of `.npz` and `.pt`.
///
/// The directory at the end says where entries lie; zip64 fields take the place of 32-bit ones that are all ones. Entries
/// are stored or deflated, not encrypted, do not overlap and have each a name of its own.
package struct ZipArchive: Sendable {
    private struct Entry {
        let isDeflated: Bool
        let checksum: UInt32
        /// Bytes after decompression.
        let size: Int
        let range: Range<Int>
    }

    package let file: FileBytes
    private let entries: [String: Entry]

    /// Whether a file begins as a zip archive does.
    package static func begins(_ file: FileBytes) -> Bool { file.buffer.starts(with: [0x50, 0x4b, 3, 4]) }

    package var names: [String] { entries.keys.sorted() }

    /// - Throws: `PrismError.badData` that names the file, the entry, what was expected and what was found.
    package init(_ file: FileBytes) throws {
        self.file = file
        let directory = try Self.directory(file)
        var entries: [String: Entry] = [:]
        var position = directory.range.lowerBound
        for _ in 0..<directory.count {
            let (name, entry, next) = try Self.entry(file, at: position, before: directory.range)
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw file.problem("the zip entry ‘\(name)’ occurs twice")
            }
            position = next
        }
        guard position == directory.range.upperBound else {
            throw file.problem("the zip directory holds more than its \(directory.count) entries")
        }
        var end = 0
        for (name, entry) in entries.sorted(by: { $0.value.range.lowerBound < $1.value.range.lowerBound }) {
            guard entry.range.lowerBound >= end else { throw file.problem("the zip entry ‘\(name)’ overlaps another") }
            end = entry.range.upperBound
        }
        self.entries = entries
    }

    /// An entry's content, decompressed and checked; stored ones are not copied.
    package func bytes(_ name: String) throws -> FileBytes {
        guard let entry = entries[name] else { throw file.missing(name, among: entries.keys) }
        let title = "\(file.name): \(name)"
        var content = FileBytes(file, entry.range, name: title)
        if entry.isDeflated {
            guard let inflated = Self.inflate(content.buffer, size: entry.size) else {
                throw file.problem("the zip entry ‘\(name)’ does not decompress to its \(entry.size) bytes")
            }
            content = FileBytes(inflated, name: title)
        }
        let found = UInt32(crc32_z(0, content.buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), content.count))
        guard content.count == 0 || found == entry.checksum else {
            throw file.problem("the zip entry ‘\(name)’ has another checksum than its bytes")
        }
        return content
    }

    // MARK: Directory

    private static func directory(_ file: FileBytes) throws -> (range: Range<Int>, count: Int) {
        // The end record has 22 bytes and a comment, which ends with the file.
        let starts = stride(from: file.count - 22, through: max(0, file.count - 22 - 0xffff), by: -1)
        let isEnd = { (start: Int) in
            file.integer(at: start) as UInt32 == 0x0605_4b50
                && start + 22 + Int(file.integer(at: start + 20) as UInt16) == file.count
        }
        guard file.count >= 22, let end = starts.first(where: isEnd) else {
            throw file.problem("there is no end of a zip directory")
        }
        var count = UInt64(file.integer(at: end + 10) as UInt16)
        var size = UInt64(file.integer(at: end + 12) as UInt32)
        var start = UInt64(file.integer(at: end + 16) as UInt32)
        var limit = end
        if end >= 20, file.integer(at: end - 20) as UInt32 == 0x0706_4b50 {
            let place: UInt64 = file.integer(at: end - 12)
            guard end >= 76, place <= UInt64(end - 76), file.integer(at: Int(place)) as UInt32 == 0x0606_4b50 else {
                throw file.problem("there is no zip64 directory where its locator points")
            }
            limit = Int(place)
            count = file.integer(at: limit + 32)
            size = file.integer(at: limit + 40)
            start = file.integer(at: limit + 48)
        }
        guard size <= UInt64(limit), start <= UInt64(limit) - size, count <= size / 46 else {
            throw file.problem(
                "the zip directory, \(count) entries in \(size) bytes from \(start), does not fit the file")
        }
        return (Int(start)..<Int(start + size), Int(count))
    }

    private static func entry(_ file: FileBytes, at start: Int, before directory: Range<Int>) throws -> (
        name: String, entry: Entry, next: Int
    ) {
        guard start + 46 <= directory.upperBound, file.integer(at: start) as UInt32 == 0x0201_4b50 else {
            throw file.problem("there is no zip entry at byte \(start)")
        }
        func half(_ offset: Int) -> Int { Int(file.integer(at: start + offset) as UInt16) }
        let (flags, method, nameLength, extraLength) = (half(8), half(10), half(28), half(30))
        let next = start + 46 + nameLength + extraLength + half(32)
        guard next <= directory.upperBound else { throw file.problem("the zip directory is cut short") }
        let name = String(decoding: file.buffer[start + 46..<start + 46 + nameLength], as: UTF8.self)
        guard flags & 1 == 0, method == 0 || method == 8 else {
            throw file.problem(
                "the zip entry ‘\(name)’ is \(flags & 1 == 1 ? "encrypted" : "compressed by method \(method)")",
                remedy: "store or deflate it")
        }
        // Sizes and place; what does not fit 32 bits follows in the zip64 field, in this order.
        let extra = start + 46 + nameLength..<start + 46 + nameLength + extraLength
        var wide = wideFields(file, extra)
        func field(_ offset: Int) throws -> UInt64 {
            let narrow: UInt32 = file.integer(at: start + offset)
            guard narrow == .max else { return UInt64(narrow) }
            guard !wide.isEmpty else { throw file.problem("the zip entry ‘\(name)’ lacks a zip64 size") }
            return wide.removeFirst()
        }
        let size = try field(24)
        let stored = try field(20)
        let header = try field(42)
        guard header <= directory.lowerBound - min(30, directory.lowerBound), directory.lowerBound >= 30,
            file.integer(at: Int(header)) as UInt32 == 0x0403_4b50
        else { throw file.problem("the zip entry ‘\(name)’ has no header at byte \(header)") }
        let data =
            Int(header) + 30 + Int(file.integer(at: Int(header) + 26) as UInt16)
            + Int(file.integer(at: Int(header) + 28) as UInt16)
        // Deflate cannot do better than 1032 to 1: a larger size is a lie that would only cost memory.
        guard data <= directory.lowerBound, stored <= UInt64(directory.lowerBound - data),
            method == 0 ? size == stored : size / 1032 <= stored
        else { throw file.problem("the zip entry ‘\(name)’, \(stored) bytes for \(size), does not fit the file") }
        let entry = Entry(
            isDeflated: method == 8, checksum: file.integer(at: start + 16), size: Int(size),
            range: data..<data + Int(stored))
        return (name, entry, next)
    }

    /// The numbers of the zip64 field, if there is one.
    private static func wideFields(_ file: FileBytes, _ extra: Range<Int>) -> [UInt64] {
        var position = extra.lowerBound
        while position + 4 <= extra.upperBound {
            let length = Int(file.integer(at: position + 2) as UInt16)
            if file.integer(at: position) as UInt16 == 1 {
                let count = min(length, extra.upperBound - position - 4) / 8
                return (0..<count).map { file.integer(at: position + 4 + 8 * $0) }
            }
            position += 4 + length
        }
        return []
    }

    /// nil if the bytes are no deflated data of just `size` bytes.
    private static func inflate(_ source: UnsafeRawBufferPointer, size: Int) -> Data? {
        var stream = z_stream()
        guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return nil
        }
        defer { inflateEnd(&stream) }
        // One byte more than expected, to notice data that go on.
        var result = Data(count: size + 1)
        var (read, written) = (0, 0)
        var status = Z_OK
        result.withUnsafeMutableBytes { target in
            while status == Z_OK {
                // The counts in z_stream are 32 bits wide.
                let (input, room) = (min(source.count - read, 1 << 30), min(target.count - written, 1 << 30))
                stream.next_in = UnsafeMutablePointer(
                    mutating: source.baseAddress?.advanced(by: read).assumingMemoryBound(to: UInt8.self))
                stream.avail_in = UInt32(input)
                stream.next_out = target.baseAddress!.advanced(by: written).assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(room)
                status = CZlib.inflate(&stream, Z_NO_FLUSH)
                read += input - Int(stream.avail_in)
                written += room - Int(stream.avail_out)
            }
        }
        return status == Z_STREAM_END && written == size ? result.prefix(size) : nil
    }
}
