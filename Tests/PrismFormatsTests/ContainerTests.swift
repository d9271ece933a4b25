import Foundation
import PrismCore
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

/// zip, npz and pt: what NumPy and PyTorch wrote, what we write, and what nobody should.
@Suite struct ContainerTests {
    /// [name: [shape, numbers]]
    private func expected(_ kind: String) throws -> [String: (shape: [Int], numbers: [Float])] {
        let json = try JSONValue(FileBytes(golden("PrismFormatsTests", "containers.json")))
        return (json[kind]?.object ?? []).reduce(into: [:]) { result, member in
            let numbers = member.value.array![1].array!.map { number -> Float in
                if case .number(let value) = number { Float(value) } else { Float(number.integer!) }
            }
            result[member.key] = (member.value.array![0].array!.map { $0.integer! }, numbers)
        }
    }

    private func check(_ file: any TensorFile, _ kind: String) throws {
        let expected = try expected(kind)
        #expect(file.names == expected.keys.sorted() && !expected.isEmpty)
        for (name, tensor) in expected {
            #expect(file.shape(of: name) == tensor.shape)
            #expect(try file.tensor(name).values == tensor.numbers, "\(name)")
        }
    }

    private func npz(_ url: URL) throws -> NpzFile { try NpzFile(ZipArchive(FileBytes(url))) }

    @Test(arguments: ["stored.npz", "deflated.npz"])
    func readsWhatNumPySaved(name: String) throws { try check(npz(golden("PrismFormatsTests", name)), "npz") }

    @Test func readsWhatPyTorchSaved() throws {
        let file = try TorchFile(ZipArchive(FileBytes(golden("PrismFormatsTests", "state.pt"))))
        try check(file, "pt")
        #expect(file.elementType(of: "brain") == .bf16 && file.elementType(of: "counts") == .i64)
        #expect(
            file.scalars == [
                "step": .integer(300), "rate": .number(0.25), "name": .string("é"), "flag": .bool(true),
                "nothing": .other, "inner.k": .integer(4), "inner.big": .integer(1 << 40), "inner.minus": .integer(-5),
            ])
    }

    @Test func readsBackWhatItWrote() throws {
        try withTemporaryFolder { folder in
            let matrix = Tensor(shape: [3, 5], (0..<15).map { Float($0) / 3 })
            let url = folder.appending(path: "a.npz")
            try NpzFile.write([("m", matrix), ("one", Tensor(shape: [], [7]))], to: url)
            #expect(try npz(url).tensor("m", shape: [3, 5]).values == matrix.values)
            #expect(try npz(url).tensor("one", shape: []).values == [7])
            let state = folder.appending(path: "a.pt")
            try TorchWriter.write(
                [
                    ("m", .tensor(matrix)), ("n", .integers([4, -1], shape: [2])), ("s", .string("é")),
                    ("d", .dictionary([("k", .integer(-300))])),
                ], to: state)
            let file = try TorchFile(ZipArchive(FileBytes(state)))
            #expect(try file.tensor("m", shape: [3, 5]).values == matrix.values)
            #expect(try file.tensor("n", shape: [2]).values == [4, -1])
            #expect(file.scalars == ["s": .string("é"), "d.k": .integer(-300)])
        }
    }

    // MARK: Damage

    @Test(arguments: ["stored.npz", "deflated.npz", "state.pt"])
    func damagedFilesNeverCrash(name: String) throws {
        let whole = try Data(contentsOf: golden("PrismFormatsTests", name))
        // Numbers are read too: what the header says must hold when it is used. The directory, where a byte means most,
        // is at the end: the bytes are turned round, so that mutations of the “header” are there.
        func read(_ data: Data, _ what: String) {
            do {
                let archive = try ZipArchive(FileBytes(data, name: name))
                let file: any TensorFile = name.hasSuffix("pt") ? try TorchFile(archive) : try NpzFile(archive)
                for tensor in file.names { _ = try file.tensor(tensor) }
            } catch {
                #expect(error is PrismError, "\(what): \(error)")
            }
        }
        forEachMutation(of: whole, header: 200, count: 2000, read)
        forEachMutation(of: Data(whole.reversed()), header: 500, count: 4000) { read(Data($0.reversed()), $1) }
    }

    /// A checksum guards the pickle against the mutations above, so it is damaged by itself here.
    @Test func damagedPicklesNeverCrash() throws {
        let archive = try ZipArchive(FileBytes(golden("PrismFormatsTests", "state.pt")))
        let pickle = try archive.bytes("state/data.pkl")
        forEachMutation(of: pickle.data(0..<pickle.count), header: pickle.count, count: 20_000) { data, what in
            do {
                try Unpickler.read(FileBytes(data, name: "data.pkl")) { _ in }
            } catch {
                #expect(error is PrismError, "\(what): \(error)")
            }
        }
    }

    /// - pickle: after the two bytes of the protocol.
    private func refusal(_ pickle: String) -> String? {
        #expect(throws: PrismError.self) {
            try Unpickler.read(FileBytes(Data([0x80, 2]) + Data(pickle.utf8), name: "p")) { _ in }
        }?.message
    }

    @Test(arguments: [
        ("cos\nsystem\n(X\u{2}\0\0\0lstR.", "forbidden name ‘os.system’"),
        ("cbuiltins\neval\n.", "forbidden name ‘builtins.eval’"),
        ("ctorch\nload\n.", "forbidden name ‘torch.load’"),
        ("c__builtin__\ngetattr\n.", "forbidden name"),
        ("}i", "the instruction 105"), ("}o", "the instruction 111"),
        ("ccollections\nOrderedDict\n(K\u{1}tR.", "with other arguments"),
        ("ctorch._utils\n_rebuild_tensor_v2\n)R.", "with other arguments"),
        ("ctorch\nFloatStorage\n)R.", "with other arguments"),
        ("(X\u{7}\0\0\0storagetQ.", "no storage"),
        ("K\u{1}.", "holds no dictionary"), ("}}.", "2 values"), (".", "0 values"),
        ("}h\u{5}.", "nothing was remembered"),
        ("}K\u{1}K\u{2}s.", "no text"), ("}(K\u{1}u.", "without a value"),
        ("]K\u{1}K\u{2}s.", "no dictionary to add to"),
        ("}X\u{7f}\u{7f}\u{7f}\u{7f}", "no end"), ("", "no end"), ("}(.", "2 values"), ("t.", "no mark"),
    ])
    func picklesThatAreNoStateDictionaries(pickle: String, part: String) {
        let message = refusal(pickle)
        #expect(message?.contains(part) == true, "\(message ?? "nothing thrown")")
    }

    @Test func nestingEndsSomewhere() throws {
        #expect(refusal(")" + String(repeating: "\u{85}", count: 1))?.isEmpty == false)
        var deep = Data([0x80, 2]) + Data(")".utf8)
        deep.append(Data(repeating: 0x85, count: 1_000_000))
        #expect(throws: PrismError.self) { try Unpickler.read(FileBytes(deep, name: "p")) { _ in } }
        // A dictionary that holds itself, and a million lists within each other, end with their reading.
        let recursive = Data([0x80, 2]) + Data("}q\u{1}X\u{1}\0\0\0ah\u{1}s.".utf8)
        try Unpickler.read(FileBytes(recursive, name: "p")) { #expect($0.keys == ["a"]) }
        var lists = Data([0x80, 2]) + Data("}X\u{1}\0\0\0a".utf8)
        lists.append(Data(repeating: UInt8(ascii: "]"), count: 1_000_000))
        lists.append(Data(repeating: UInt8(ascii: "a"), count: 999_999))
        try Unpickler.read(FileBytes(lists + Data("s.".utf8), name: "p")) { #expect($0.values.count == 1) }
    }

    /// - storage: the count that the pickle claims of 6 numbers. Shape and strides as in the file.
    @Test(arguments: [
        (6, 0, [2, 3], [3, 1], true), (6, 0, [3, 2], [1, 3], true), (6, 1, [2, 3], [3, 1], false),
        (6, 0, [2, 3], [4, 1], false), (6, 0, [1 << 40, 1 << 40], [0, 0], false), (6, 0, [7], [0], false),
        (6, -1, [2], [1], false), (1 << 40, 0, [1 << 30], [1 << 40], false), (6, 0, [2], [-1], false),
        (6, 0, [2], [1 << 62], false),
        (7, 0, [2, 3], [3, 1], false),
        (1 << 40, 0, [2, 3], [3, 1], false), (6, 0, [-1], [1], false), (6, 6, [0], [1], true),
        (6, 0, [2, 3], [1], false),
    ])
    func tensorsThatLeaveTheirStorageAreRefused(storage: Int, offset: Int, shape: [Int], strides: [Int], isGood: Bool)
        throws
    {
        func long(_ number: Int) -> Data { Data([0x8a, 8]) + littleEndian(Int64(number)) }
        func text(_ text: String) -> Data { Data("X".utf8) + littleEndian(UInt32(text.utf8.count)) + Data(text.utf8) }
        func tuple(_ numbers: [Int]) -> Data {
            Data("(".utf8) + numbers.reduce(Data()) { $0 + long($1) } + Data("t".utf8)
        }
        var pickle = Data([0x80, 2]) + Data("}".utf8) + text("t") + Data("ctorch._utils\n_rebuild_tensor_v2\n((".utf8)
        pickle += text("storage") + Data("ctorch\nFloatStorage\n".utf8) + text("0") + text("cpu") + long(storage)
        pickle += Data("tQ".utf8) + long(offset) + tuple(shape) + tuple(strides) + Data([0x89])
        pickle += Data("ccollections\nOrderedDict\n)RtRs.".utf8)
        try withTemporaryFolder { folder in
            var writer = ZipWriter()
            writer.add("a/data.pkl", .data(pickle))
            writer.add("a/data/0", .tensor(Tensor(6)))
            let url = folder.appending(path: "t.pt")
            try writer.write(to: url)
            func read() throws -> Int { try TorchFile(ZipArchive(FileBytes(url))).tensor("t").count }
            if isGood {
                #expect(try read() == shape.reduce(1, *))
            } else {
                #expect(throws: PrismError.self) { try read() }
            }
        }
    }

    @Test func entriesThatOverlapOrRepeatAreRefused() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "a.zip")
            var writer = ZipWriter()
            writer.add("aa", .data(Data(repeating: 1, count: 100)))
            writer.add("bb", .data(Data(repeating: 2, count: 100)))
            try writer.write(to: url)
            let whole = try Data(contentsOf: url)
            #expect(try ZipArchive(FileBytes(url)).bytes("bb").data(0..<100) == Data(repeating: 2, count: 100))
            // The directory has each entry's place in its last eight bytes; the second's becomes the first's.
            let directory = whole.count - 22 - 20 - 56 - 2 * (46 + 2 + 28)
            var overlapping = whole
            overlapping.replaceSubrange(directory + 2 * 76 - 8..<directory + 2 * 76, with: Data(count: 8))
            var repeated = whole
            repeated.replaceSubrange(directory + 76 + 46..<directory + 76 + 48, with: Data("aa".utf8))
            for (damaged, part) in [(overlapping, "overlaps"), (repeated, "twice")] {
                let error = #expect(throws: PrismError.self) { try ZipArchive(FileBytes(damaged, name: "z")) }
                #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
            }
            var flipped = whole
            flipped[70] ^= 1  // among the first entry's numbers, which begin at 64
            #expect(throws: PrismError.self) { try ZipArchive(FileBytes(flipped, name: "z")).bytes("aa") }
        }
    }
}
