import Foundation
import PrismCore
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct SafetensorsFileTests {
    @Test func readsEveryTypeOfTheReference() throws {
        let typed = try SafetensorsFile(golden("PrismFormatsTests", "dtypes.safetensors"))
        let expected = try SafetensorsFile(golden("PrismFormatsTests", "dtypes-f32.safetensors"))
        #expect(typed.names == expected.names && typed.names.count == 14)
        for name in typed.names {
            let reference = try expected.tensor(name)
            #expect(try typed.tensor(name, shape: reference.shape).values == reference.values, "\(name)")
        }
        #expect(typed.shape(of: "scalar") == [] && typed.shape(of: "empty") == [0, 4] && typed.shape(of: "none") == nil)
        #expect(typed.metadata["seed"] == "20250131")
        #expect(try typed.bytes("U8") == Data([0, 1, 2, 100, 3, 77]))
    }

    /// The reference lays its file out the same way, so that writing the same content gives the same bytes.
    @Test func writesTheReferencesBytes() throws {
        let url = golden("PrismFormatsTests", "dtypes-f32.safetensors")
        let reference = try SafetensorsFile(url)
        try withTemporaryFolder { folder in
            // One key only: the reference writes metadata in the arbitrary order of a hash table.
            var writer = SafetensorsWriter(metadata: ["seed": "1"])
            for name in reference.names { writer.add(name, try reference.tensor(name)) }
            let copy = folder.appending(path: "copy.safetensors")
            try writer.write(to: copy)
            let file = try SafetensorsFile(copy)
            #expect(file.metadata == ["seed": "1"])
            let dataCount = reference.tensors.values.reduce(0) { $0 + $1.range.count }
            #expect(try Data(contentsOf: copy).suffix(dataCount) == Data(contentsOf: url).suffix(dataCount))
            #expect(file.tensors.values.map(\.range.lowerBound).min()! % 8 == 0)
        }
    }

    @Test func writesEachTypeAndStreams() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "all.safetensors")
            var writer = SafetensorsWriter()
            let tensor = Tensor(shape: [2, 3], [1, -2, 0.1, 3.0e38, .infinity, Float(bitPattern: 0x0001_1234)])
            writer.add("f32", tensor)
            writer.add("bf16", tensor, as: .bf16)
            writer.add("f64", tensor, as: .f64)
            writer.add("threshold", [0.1], shape: [])
            writer.add("i64", [Int64.min, 5], shape: [2])
            writer.add("i32", [Int32(-7)], shape: [1])
            writer.add("u64", [UInt64.max], shape: [1])
            writer.add("u8", [UInt8(1), 2, 3], shape: [3])
            writer.add("streamed", .f32, shape: [3, 2]) { output in
                for row in 0..<3 { try [Float(row), 0.5].withUnsafeBytes(output.write) }
            }
            try writer.write(to: url)
            let file = try SafetensorsFile(url)
            #expect(try file.tensor("f32").values == tensor.values)
            #expect(try file.tensor("f64").values == tensor.values)
            #expect(try file.tensor("bf16").values.map(\.bitPattern) == [0x3f80_0000, 0xc000_0000, 0x3dcd_0000, 0x7f62_0000, 0x7f80_0000, 0x0001_0000])
            #expect(try file.bytes("threshold") == withUnsafeBytes(of: 0.1) { Data($0) })
            #expect(try file.bytes("u64") == Data(repeating: 255, count: 8))
            #expect(try file.tensor("i64").values == [-0x1p63, 5])
            #expect(try file.tensor("i32").values == [-7])
            #expect(try file.tensor("streamed", shape: [3, 2]).values == [0, 0.5, 1, 0.5, 2, 0.5])
            for entry in file.tensors.values { #expect(entry.range.lowerBound % entry.dtype.byteCount == 0) }
            let first = try Data(contentsOf: url)
            try writer.write(to: url)
            #expect(try Data(contentsOf: url) == first)
        }
    }

    @Test func largeFilesAreMappedNotCopied() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "large.safetensors")
            var writer = SafetensorsWriter()
            writer.add("w", Tensor(shape: [100, 1000], (0..<100_000).map(Float.init)))
            try writer.write(to: url)
            let file = try SafetensorsFile(url)
            let (one, two) = (try file.tensor("w"), try file.tensor("w"))
            #expect(one.data == two.data && one[99][999] == 99_999)
        }
    }

    static func file(_ header: String, data: Int = 8) -> FileBytes {
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
        return FileBytes(length + Data(header.utf8) + Data(count: data), name: "a.safetensors")
    }

    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}"#, "occurs twice"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "begins at data byte 4, expected 0"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "begins at data byte 4, expected 8"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "the tensors have 4 bytes, the file holds 8"),
        (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, "needs 12 bytes, its range has 8"),
        (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "lies at data bytes 0..<16, but there are 8"),
        (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "is impossible"),
        (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#, "is impossible"),
        (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, "must hold just dtype"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, "lies at data bytes"),
        (#"{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}"#, "dtype ‘F8_E4M3’, supported are"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}"#, "must hold just dtype"),
        (#"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#, "must hold just dtype"),
        (#"{"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "__metadata__ ‘k’ is not a string"),
        (#"["a"]"#, "must be a JSON object"),
        (#" {}"#, "must be a JSON object"),
        (#"{"a":}"#, "invalid JSON at byte 13"),
    ])
    func liesAreNamed(header: String, part: String) {
        let error = #expect(throws: PrismError.self) { try SafetensorsFile(Self.file(header)) }
        #expect(error?.message.contains(part) == true && error?.message.hasPrefix("a.safetensors: ") == true, "\(error?.message ?? "")")
    }

    @Test func damagedFilesNeverCrash() throws {
        let data = try Data(contentsOf: golden("PrismFormatsTests", "dtypes.safetensors"))
        forEachMutation(of: data, header: 1100, count: 8000) { damaged, what in
            do {
                let file = try SafetensorsFile(FileBytes(damaged, name: "damaged.safetensors"))
                for name in file.names { _ = try file.tensor(name).values }
            } catch {
                #expect(error is PrismError, "\(what): \(error)")
            }
        }
    }

    @Test func shardedFolder() throws {
        try withTemporaryFolder { folder in
            var (one, two) = (SafetensorsWriter(), SafetensorsWriter())
            one.add("a", Tensor(shape: [2], [1, 2]))
            two.add("b", Tensor(shape: [1], [3]))
            try one.write(to: folder.appending(path: "1.safetensors"))
            try two.write(to: folder.appending(path: "2.safetensors"))
            let index = folder.appending(path: ShardedSafetensors.indexName)
            try Data(#"{"metadata":{"total_size":12},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}"#.utf8).write(to: index)
            let source = try ShardedSafetensors(folder: folder)
            #expect(source.names == ["a", "b"])
            #expect(try source.tensor("b", shape: [1]).values == [3])
            #expect(throws: PrismError.self) { try source.tensor("c") }
            for wrong in [#"{"weight_map":{"a":"2.safetensors"}}"#, #"{"weight_map":{"a":"../1.safetensors"}}"#, #"{"weight_map":{"a":"3.safetensors"}}"#, "{}"] {
                try Data(wrong.utf8).write(to: index)
                #expect(throws: PrismError.self) { try ShardedSafetensors(folder: folder) }
            }
        }
    }
}
