import Foundation
import PrismCore
import PrismTensor

/// Writes a state dictionary as torch.save does: equal content gives equal bytes, and torch.load opens it with
/// `weights_only`.
public struct TorchWriter {
    public enum Value {
        /// fp32.
        case tensor(Tensor)
        /// 64-bit integers; a single one has the shape [].
        case integers([Int64], shape: [Int])
        case integer(Int32)
        case string(String)
        case dictionary([(String, Value)])
    }

    private var archive = ZipWriter()
    private var pickle = Data([0x80, 2])
    private var storages: [ZipWriter.Part] = []

    private init() {}

    /// - Throws: `PrismError.runFailed` if the file cannot be written.
    public static func write(_ members: [(String, Value)], to url: URL) throws {
        var writer = TorchWriter()
        writer.add(.dictionary(members))
        writer.archive.add("archive/data.pkl", .data(writer.pickle + Data(".".utf8)))
        writer.archive.add("archive/byteorder", .data(Data("little".utf8)))
        for (key, storage) in writer.storages.enumerated() { writer.archive.add("archive/data/\(key)", storage) }
        writer.archive.add("archive/version", .data(Data("3\n".utf8)))
        try writer.archive.write(to: url)
    }

    private mutating func add(_ value: Value) {
        switch value {
        case .tensor(let tensor): add("FloatStorage", .tensor(tensor), shape: tensor.shape)
        case .integers(let values, let shape):
            precondition(values.count == shape.reduce(1, *))
            add("LongStorage", .data(values.withUnsafeBytes { Data($0) }), shape: shape)
        case .integer(let value): add(Int(value))
        case .string(let text): add(text)
        case .dictionary(let members):
            pickle += Data("}(".utf8)
            for (name, value) in members {
                add(name)
                add(value)
            }
            pickle += Data("u".utf8)
        }
    }

    /// _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())
    private mutating func add(_ storage: String, _ numbers: ZipWriter.Part, shape: [Int]) {
        pickle += Data("ctorch._utils\n_rebuild_tensor_v2\n((".utf8)
        add("storage")
        pickle += Data("ctorch\n\(storage)\n".utf8)
        add(String(storages.count))
        add("cpu")
        add(shape.reduce(1, *))
        pickle += Data("tQ".utf8)
        add(0)
        add(tuple: shape)
        add(tuple: shape.indices.map { shape[($0 + 1)...].reduce(1, *) })
        pickle += Data([0x89]) + Data("ccollections\nOrderedDict\n)RtR".utf8)
        storages.append(numbers)
    }

    private mutating func add(tuple numbers: [Int]) {
        pickle += Data("(".utf8)
        for number in numbers { add(number) }
        pickle += Data("t".utf8)
    }

    private mutating func add(_ text: String) {
        pickle += Data("X".utf8) + littleEndian(UInt32(text.utf8.count)) + Data(text.utf8)
    }

    private mutating func add(_ number: Int) { pickle += Data([0x8a, 8]) + littleEndian(Int64(number)) }
}
