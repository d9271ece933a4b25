import Foundation
import PrismCore
import PrismFormats
import PrismTestSupport
import Testing

@Suite struct GGUFFileTests {
    let file: GGUFFile
    let expected: SafetensorsFile

    init() throws {
        file = try GGUFFile(golden("PrismFormatsTests", "types.gguf"))
        expected = try SafetensorsFile(golden("PrismFormatsTests", "types.safetensors"))
    }

    @Test func metadataOfAllKinds() throws {
        let values: [String: GGUFValue] = [
            "uint8": .uint8(200), "int8": .int8(-100), "uint16": .uint16(60000), "int16": .int16(-30000),
            "uint32": .uint32(4_000_000_000), "int32": .int32(-2_000_000_000), "float32": .float32(0.1), "bool": .bool(true),
            "string": .string("prism – Δ 光"), "uint64": .uint64(1 << 63 + 1), "int64": .int64(-(1 << 62)),
            "float64": .float64(0.1), "strings": .array([.string("a"), .string(""), .string("Ġb")]),
            "integers": .array([.int32(1), .int32(-2), .int32(3)]),
            "nested": .array([
                .array([.int32(1), .int32(2)]), .array([.int32(3)]), .array([.int32(4), .int32(5), .int32(6)]),
            ]),
        ]
        for (key, value) in values { #expect(file.metadata["kind.\(key)"] == value) }
        #expect(file.metadata["kind.uint64"]?.integer == nil)
        #expect(file.metadata["kind.int8"]?.integer == -100)
    }

    /// Bit for bit: both sides do the same fp32 operations in the same order.
    @Test(arguments: ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"])
    func dequantisesAsTheReference(type: String) throws {
        let name = "\(type).weight"
        let reference = try expected.tensor(name)
        let tensor = try file.tensor(name, shape: reference.shape)
        #expect(tensor.values.map(\.bitPattern) == reference.values.map(\.bitPattern))
        #expect(file.tensors[name]?.type.name == type)
    }

    @Test func namesWhatIsWrong() throws {
        let missing = #expect(throws: PrismError.self) { try file.tensor("blk.0") }
        #expect(missing?.message.contains("no tensor ‘blk.0’") == true)
        let shape = #expect(throws: PrismError.self) { try file.tensor("F32.weight", shape: [5, 64]) }
        #expect(shape?.message.contains("[2, 5, 32], expected [5, 64]") == true)
    }

    // MARK: lying headers

    /// A header of one pair and one tensor, and room for data. Parts can be replaced by lies.
    func header(
        version: UInt32 = 3, tensors: UInt64 = 1, pairs: UInt64 = 1, keyLength: UInt64? = nil, kind: UInt32 = 4, value: Data? = nil,
        name: String = "w", rank: UInt32 = 1, dimension: UInt64 = 8, type: UInt32 = 0, offset: UInt64 = 0, dataCount: Int = 32
    ) -> Data {
        func number<T: FixedWidthInteger>(_ value: T) -> Data { withUnsafeBytes(of: value.littleEndian) { Data($0) } }
        func string(_ text: String) -> Data { number(UInt64(text.utf8.count)) + Data(text.utf8) }
        var data = Data("GGUF".utf8) + number(version) + number(tensors) + number(pairs)
        let key = "general.alignment"
        data += number(keyLength ?? UInt64(key.utf8.count)) + Data(key.utf8) + number(kind) + (value ?? number(UInt32(32)))
        for _ in 0..<min(tensors, 2) {
            data += string(name) + number(rank)
            for _ in 0..<min(rank, 8) { data += number(dimension) }
            data += number(type) + number(offset)
        }
        data += Data(count: (32 - data.count % 32) % 32)
        return data + Data(count: dataCount)
    }

    func message(_ data: Data) -> String {
        do {
            _ = try GGUFFile(FileBytes(data, name: "model.gguf"))
            return "no error"
        } catch let error as PrismError {
            #expect(error.kind == .badData && error.message.hasPrefix("model.gguf: "))
            return error.message
        } catch {
            return "another error: \(error)"
        }
    }

    @Test func liesAreNamed() throws {
        #expect(message(header()) == "no error")
        let cases: [(Data, String)] = [
            (header(version: 2), "GGUF version 2, supported is 3"),
            (Data("GGML".utf8) + header().dropFirst(4), "does not begin with ‘GGUF’"),
            (header(tensors: 1 << 60), "1152921504606846976 tensors are announced"),
            (header(pairs: 1 << 60), "1152921504606846976 metadata pairs are announced"),
            (header(keyLength: 1 << 60), "1152921504606846976 bytes in metadata key 0"),
            (header(kind: 99), "‘general.alignment’ has the unknown type 99"),
            (header(value: Data([33, 0, 0, 0])), "general.alignment is uint32(33), expected a u32 that is a power of two"),
            (header(value: Data([0, 0, 0, 0])), "power of two"),
            (header(rank: 9), "tensor ‘w’ has 9 dimensions"),
            (header(dimension: .max), "is impossible"),
            (header(rank: 4, dimension: 1 << 31), "are impossible"),
            (header(dimension: 9), "needs 36 bytes at offset 0, but there are 32"),
            (header(type: 23), "tensor ‘w’ has the ggml type 23"),
            (header(type: 2), "Q4_0 needs a multiple of 32"),
            (header(offset: 64), "at offset 64, but there are 32"),
            (header(offset: 1 << 63), "at offset 9223372036854775808"),
            (header(offset: 4), "no multiple of the alignment 32"),
            (header(tensors: 2, dataCount: 64), "the tensor ‘w’ occurs twice"),
            (header(kind: 9, value: Data([77, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])), "has the unknown type 77"),
            (header(kind: 9, value: Data([8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16])), "elements of metadata ‘general.alignment’ are announced"),
        ]
        for (data, part) in cases {
            let message = message(data)
            #expect(message.contains(part), "\(message)")
        }
    }

    @Test func deepNestingIsRefused() {
        let level: [UInt8] = [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        let nested = Data((0..<100_000).flatMap { _ in level })
        #expect(message(header(kind: 9, value: nested)).contains("nests arrays more than 16 deep"))
    }

    @Test func damagedFilesNeverCrash() throws {
        let data = try Data(contentsOf: golden("PrismFormatsTests", "types.gguf"))
        forEachMutation(of: data, header: 1800, count: 6000) { damaged, what in
            do {
                let file = try GGUFFile(FileBytes(damaged, name: "damaged.gguf"))
                for name in file.names { _ = try file.tensor(name).values }
            } catch {
                #expect(error is PrismError, "\(what): \(error)")
            }
        }
    }
}
