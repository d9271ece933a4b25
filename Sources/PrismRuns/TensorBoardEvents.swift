import Foundation

/// The records of an event file, which TensorBoard draws its curves from: a version, then one `Event` a step with all
/// metrics of that step.
///
/// A record is a TFRecord: the length of the data (8 bytes, little-endian), the length's checksum, the data, the data's
/// checksum. The data are a protocol buffer:
///
///     Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5 }
///     Summary { repeated Value value = 1 }    Value { string tag = 1; float simple_value = 2 }
///
/// Nothing that a run writes depends on the clock, so a step's wall time is its number, in seconds since 1970: TensorBoard's
/// relative axis then counts steps too.
package enum TensorBoardEvents {
    /// TensorBoard looks for `tfevents` in names; where others have the time and the host there is nothing to tell.
    static let fileName = "events.out.tfevents.0.prism"

    /// What the file begins with.
    package static let version = record(field(3, "brain.Event:2"))

    /// One step's metrics by name.
    package static func metrics(step: Int, _ values: [(name: String, value: Double)]) -> Data {
        let summary = values.reduce(Data()) { $0 + field(1, field(1, $1.name) + number(2, Float($1.value).bitPattern)) }
        return record(number(1, Double(step).bitPattern) + [2 << 3] + varint(step) + field(5, summary))
    }

    // MARK: Protocol buffers

    private static func varint(_ value: Int) -> Data {
        var (rest, bytes) = (UInt64(value), Data())
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// A number of fixed size: wire type 1 of eight bytes, 5 of four.
    private static func number(_ key: UInt8, _ value: some FixedWidthInteger) -> Data {
        [key << 3 | (value.bitWidth == 64 ? 1 : 5)] + bytes(value)
    }

    /// Text or a message.
    private static func field(_ key: UInt8, _ content: Data) -> Data {
        [key << 3 | 2] + varint(content.count) + content
    }
    private static func field(_ key: UInt8, _ text: String) -> Data { field(key, Data(text.utf8)) }

    private static func bytes(_ value: some FixedWidthInteger) -> Data {
        withUnsafeBytes(of: value.littleEndian) { Data($0) }
    }

    // MARK: TFRecord

    private static func record(_ data: Data) -> Data {
        let length = bytes(UInt64(data.count))
        return length + bytes(masked(checksum(length))) + data + bytes(masked(checksum(data)))
    }

    /// A checksum of data that hold their own checksums would be weak, so TFRecord rotates it and adds a constant.
    private static func masked(_ checksum: UInt32) -> UInt32 { (checksum >> 15 | checksum << 17) &+ 0xa282_ead8 }

    /// CRC-32C (Castagnoli), bit by bit: a step's record is some 200 bytes.
    package static func checksum(_ data: Data) -> UInt32 {
        ~data.reduce(~0) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 1 ? 0x82f6_3b78 : 0) }
        }
    }
}
