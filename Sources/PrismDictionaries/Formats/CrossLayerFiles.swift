import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// The files of a cross-layer transcoder as circuit-tracer keeps it (`CrossLayerTranscoder.to_safetensors`): a folder.
///
///     W_enc_<i>.safetensors    W_enc_i [F, d], b_enc_i [F], b_dec_i [d]; of JumpReLU threshold_i [F], else ReLU
///     W_dec_<i>.safetensors    W_dec_i [F, L − i, d]: to the layers i … L − 1
///     config.yaml              `CircuitTracerConfiguration`; may be missing
///
/// Decoders to all later layers are large, so a conversion holds one layer at a time. The layout has no skip connection.
public struct CrossLayerFiles {
    public let layerCount, latentCount, width: Int
    fileprivate let configuration: CircuitTracerConfiguration?
    private let folder: URL
    private let hasThresholds: Bool

    private static func encoderName(_ layer: Int) -> String { "W_enc_\(layer).safetensors" }
    private static func decoderName(_ layer: Int) -> String { "W_dec_\(layer).safetensors" }

    /// The names of a folder's files that are of this kind.
    private static func names(in folder: URL) -> Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter(isName)
    }

    static func isName(_ name: String) -> Bool {
        name.hasSuffix(".safetensors") && (name.hasPrefix("W_enc_") || name.hasPrefix("W_dec_"))
    }

    public static func exist(in folder: URL) -> Bool { !names(in: folder).isEmpty }

    /// Looks which layers there are.
    /// - Throws: `PrismError` that names the file that is missing or one too many.
    public init(_ folder: URL) throws {
        self.folder = folder
        configuration = try CircuitTracerConfiguration(of: folder, kind: "cross_layer_transcoder")
        let first = try SafetensorsFile(folder.appending(path: Self.encoderName(0)))
        latentCount = try first.dimension(0, of: "W_enc_0", rank: 2)
        width = try first.dimension(1, of: "W_enc_0", rank: 2)
        hasThresholds = first.shape(of: "threshold_0") != nil
        let layers = try SafetensorsFile(folder.appending(path: Self.decoderName(0)))
            .dimension(1, of: "W_dec_0", rank: 3)
        layerCount = layers
        var others = Self.names(in: folder)
        for name in (0..<layers).lazy.flatMap({ [Self.encoderName($0), Self.decoderName($0)] }) {
            guard others.remove(name) != nil else {
                throw PrismError.badData(
                    "\(folder.path) lacks \(name): by W_dec_0 there are \(layers) layers; fetch the folder again")
            }
        }
        if let surplus = others.min() {
            throw PrismError.badData(
                "\(folder.path) has \(surplus), but by W_dec_0 there are \(layers) layers; "
                    + "remove what belongs to another transcoder")
        }
    }

    /// The latents of one layer, as `CrossLayerTranscoder.layers` has them.
    /// - Throws: `PrismError` that names the file, the tensor, what was expected and what was found.
    func layer(_ i: Int) throws -> SparseDictionary {
        let (F, d, targets) = (latentCount, width, layerCount - i)
        var shapes = ["W_enc_\(i)": [F, d], "b_enc_\(i)": [F], "b_dec_\(i)": [d]]
        if hasThresholds { shapes["threshold_\(i)"] = [F] }
        func tensors(_ name: String, _ shapes: [String: [Int]]) throws -> StrictTensors {
            try StrictTensors(SafetensorsFile(folder.appending(path: name)), kind: "cross-layer", shapes)
        }
        let reads = try tensors(Self.encoderName(i), shapes)
        let writes = try tensors(Self.decoderName(i), ["W_dec_\(i)": [F, targets, d]])
        let bias = Tensor(targets, d)
        bias.rows(0..<1).update(from: try reads("b_dec_\(i)").reshaped(1, d))
        return SparseDictionary(
            encoder: try reads("W_enc_\(i)"), encoderBias: try reads("b_enc_\(i)"),
            decoder: try writes("W_dec_\(i)").reshaped(F, targets * d), decoderBias: bias.reshaped(targets * d),
            activation: hasThresholds ? .jumpReLU(thresholds: try reads("threshold_\(i)")) : .relu, centresInput: false)
    }

    /// Writes the transcoder again, in fp32.
    /// - format: one of `DictionaryFormats.names`. url: the folder to make.
    /// - Throws: `PrismError.usage` if the format has no place for it.
    public func write(as format: String, to url: URL) throws {
        guard try DictionaryFormats.named(format) is CircuitTracerFormat else {
            throw PrismError.usage(
                "\(format) has no place for latents that write to several layers; convert them to circuit-tracer")
        }
        try Self.write(layerCount, configuration, to: url, layer: layer)
    }

    /// - layer: is asked for one at a time, from the first on.
    fileprivate static func write(
        _ layerCount: Int, _ configuration: CircuitTracerConfiguration?, to folder: URL,
        layer: (Int) throws -> SparseDictionary
    ) throws {
        let partial = folder.deletingLastPathComponent().appending(path: ".\(folder.lastPathComponent).partial")
        try Files.createFolder(partial, replacing: true)
        defer { try? FileManager.default.removeItem(at: partial) }
        for i in 0..<layerCount {
            let latents = try layer(i)
            let (F, d) = (latents.latentCount, latents.width)
            var (reads, writes) = (SafetensorsWriter(), SafetensorsWriter())
            reads.add("W_enc_\(i)", latents.encoder)
            reads.add("b_enc_\(i)", latents.encoderBias)
            reads.add("b_dec_\(i)", latents.decoderBias.rows(0..<d))
            switch latents.activation {
            case .relu: break
            case .jumpReLU(let thresholds): reads.add("threshold_\(i)", thresholds)
            default:
                throw PrismError.usage(
                    "circuit-tracer has no place for \(latents.activation.kind.rawValue) cross-layer transcoders, "
                        + "only for ReLU and JumpReLU")
            }
            writes.add("W_dec_\(i)", latents.decoder.reshaped(F, layerCount - i, d))
            try reads.write(to: partial.appending(path: encoderName(i)))
            try writes.write(to: partial.appending(path: decoderName(i)))
        }
        if let configuration {
            try Files.writeAtomically(
                Data(configuration.text.utf8), to: partial.appending(path: CircuitTracerConfiguration.name))
        }
        try Files.move(partial, to: folder)
    }
}

extension CrossLayerTranscoder {
    /// Reads the folder of a cross-layer transcoder (see `CrossLayerFiles`); fp32 weights stay in the mapped files.
    /// - Throws: `PrismError` that names the file, the tensor, what was expected and what was found.
    public init(loading folder: URL) throws {
        let files = try CrossLayerFiles(folder)
        self.init(layers: try (0..<files.layerCount).map(files.layer), configuration: files.configuration)
    }

    /// Writes a folder that circuit-tracer opens; nothing may be there.
    /// - Throws: `PrismError.usage` if its activation is none of circuit-tracer's, `.runFailed` if it cannot be written.
    public func write(to folder: URL) throws {
        try CrossLayerFiles.write(layers.count, configuration, to: folder) { layers[$0] }
    }
}
