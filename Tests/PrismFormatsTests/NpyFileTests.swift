import Foundation
import PrismCore
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct NpyFileTests {
    struct Expected: Decodable {
        struct Array: Decodable {
            let shape: [Int]
            let values: [Float]
        }
        let arrays: [String: Array]
    }

    @Test func readsWhatNumPyWrote() throws {
        let expected = try JSONDecoder().decode(Expected.self, from: Data(contentsOf: golden("PrismFormatsTests", "npy.json")))
        #expect(expected.arrays.count == 27)
        for (name, array) in expected.arrays {
            let file = try NpyFile(golden("PrismFormatsTests", name))
            #expect(file.shape == array.shape, "\(name)")
            #expect(file.tensor().values == array.values, "\(name)")
        }
    }

    /// The fp32 goldens, written again, are equal byte for byte.
    @Test(arguments: ["f4-7.npy", "f4-3x4.npy", "f4-2x3x2.npy", "f4-scalar.npy", "f4-0x5.npy"])
    func writesWhatNumPyWrites(name: String) throws {
        try withTemporaryFolder { folder in
            let source = golden("PrismFormatsTests", name)
            let copy = folder.appending(path: name)
            try NpyFile.write(NpyFile(source).tensor(), to: copy)
            #expect(try Data(contentsOf: copy) == Data(contentsOf: source))
        }
    }

    @Test(arguments: [("fortran.npy", "Fortran order"), ("complex.npy", "‘<c8’")])
    func refusesByName(name: String, part: String) {
        let error = #expect(throws: PrismError.self) { try NpyFile(golden("PrismFormatsTests", name)) }
        #expect(error?.message.contains(part) == true)
    }

    static func file(_ header: String, data: Int = 24) -> FileBytes {
        let start = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(header.utf8.count), 0])
        return FileBytes(start + Data(header.utf8) + Data(count: data), name: "a.npy")
    }

    @Test(arguments: [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", "{\"shape\":(6,),'fortran_order':False,'descr':'<f4'}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}  \n",
    ])
    func acceptsTheGrammar(header: String) throws { #expect(try NpyFile(Self.file(header)).tensor().values.allSatisfy { $0 == 0 }) }

    @Test(arguments: [
        "", "{}", "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4', 'fortran_order': False, 'shape': (6)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': 1}", "{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} x", "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (7,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", "{'descr': '>f4', 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", "{'descr': '<f4",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}",
    ])
    func refusesTheRest(header: String) { #expect(throws: PrismError.self) { try NpyFile(Self.file(header)) } }

    @Test(arguments: ["f8-3x4.npy", "version-2.npy", "f4-7.npy"])
    func damagedFilesNeverCrash(name: String) throws {
        let data = try Data(contentsOf: golden("PrismFormatsTests", name))
        forEachMutation(of: data, header: 128, count: 4000) { damaged, what in
            do {
                _ = try NpyFile(FileBytes(damaged, name: "damaged.npy")).tensor().values
            } catch {
                #expect(error is PrismError, "\(what): \(error)")
            }
        }
    }
}
