import PrismCore
import PrismFormats

/// A SentencePiece `.model` file: the fields of `sentencepiece_model.proto` that decide how text is encoded.
struct SentencePieceModel {
    private(set) var pieces: [SentencePieceVocabulary.Piece] = []
    /// Numbered as in the file: 1 unigram, 2 BPE, 3 words, 4 characters.
    private(set) var modelType = 1
    private(set) var fallsBackToBytes = false
    private(set) var marksSuffixes = false
    /// −1 for none.
    private(set) var bosID = 1
    private(set) var eosID = 2
    private(set) var characterMap: [UInt8] = []
    private(set) var addsDummyPrefix = true
    private(set) var removesExtraSpaces = true
    private(set) var escapesSpaces = true

    /// - Throws: `PrismError.badData` if the file is no such message.
    init(_ file: FileBytes) throws {
        var message = ProtobufReader(file)
        while let field = try message.next() {
            switch field.number {
            case 1: pieces.append(try Self.piece(message.message(field)))
            case 2: try readTrainer(message.message(field))
            case 3: try readNormaliser(message.message(field))
            default: break
            }
        }
    }

    private static func piece(_ fields: ProtobufReader) throws -> SentencePieceVocabulary.Piece {
        var fields = fields
        var (text, score, kind) = ("", Float(0), SentencePieceVocabulary.Kind.normal)
        while let field = try fields.next() {
            switch field.number {
            case 1: text = try fields.string(field)
            case 2: score = try fields.float(field)
            case 3:
                guard let known = SentencePieceVocabulary.Kind(rawValue: try fields.integer(field)) else {
                    throw fields.file.problem("the piece ‘\(text)’ has a type that is not one of 1 to 6")
                }
                kind = known
            default: break
            }
        }
        return SentencePieceVocabulary.Piece(text: text, score: score, kind: kind)
    }

    private mutating func readTrainer(_ fields: ProtobufReader) throws {
        var fields = fields
        while let field = try fields.next() {
            switch field.number {
            case 3: modelType = try fields.integer(field)
            case 24: marksSuffixes = try fields.integer(field) != 0
            case 35: fallsBackToBytes = try fields.integer(field) != 0
            case 41: bosID = try fields.integer(field)
            case 42: eosID = try fields.integer(field)
            default: break
            }
        }
    }

    private mutating func readNormaliser(_ fields: ProtobufReader) throws {
        var fields = fields
        while let field = try fields.next() {
            switch field.number {
            case 2: characterMap = Array(fields.file.buffer[try fields.bytes(field)])
            case 3: addsDummyPrefix = try fields.integer(field) != 0
            case 4: removesExtraSpaces = try fields.integer(field) != 0
            case 5: escapesSpaces = try fields.integer(field) != 0
            default: break
            }
        }
    }
}
